"""An unknown schema -> a draft of its `mapping.toml`. Pure: names, comments and values come in, guesses go out.

pinyin.py   a Chinese term as a vendor abbreviates it      terms.py    what vendors call the canonical fields
names.py    a column's name and comment -> fields          words.py    values of a state or step -> canonical words
profile.py  what a column's values look like               charset.py  which charset text was really stored in
sampled.py  a table as it was read                         links.py    which column of a table names the case
fields.py   one table: field -> column                     chronology.py  what the order of times says of them
guess.py    one line of a draft                            keys.py     key and cursor of a table
draft.py    tables -> roles, the whole draft               render.py   the draft as TOML, samples masked by mask.py
grants.py   SQL for the read-only account                  verdicts.py what `--check` says of a finished mapping
"""
