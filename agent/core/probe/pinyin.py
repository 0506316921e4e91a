"""A Chinese term as vendors romanise it. The characters of terms.py and no others: it is a dictionary of terms."""

_SOUNDS = """
yi:一移意 ye:业 zhong:中终种 zhu:主住注助 shi:事使时式是始示施实识室 jiao:交缴 ren:人任认 dai:代带 jian:件间建见检 fen:份分
qi:企期其起 hui:会恢 wei:位单 zuo:作 xin:信新 xiu:修 ting:停 ru:入 nei:内 xie:写 jue:决 chu:出处初 hua:划话 chuang:创
shan:删 bie:别 dao:到 qian:前签 ban:办 wu:务 dong:动 qu:区取渠 dan:单 yin:印 juan:卷 fa:发法罚 shou:受收手首 bian:变编
ke:可科 hao:号 tong:同统通 ming:名明 hou:后 fou:否 yuan:员源 di:地递 zhi:址制职指执志止 xing:型姓性行形 tian:填天添 bei:备 fu:复负服付
wan:完 ding:定 shen:审申身 rong:容 dui:对 gong:工公 xu:序续需许 ku:库 ying:应 kai:开 gui:归 dang:当档 lu:录
tai:态 cheng:成承称程诚 huo:或活获 jie:截结节接阶界 chuo:戳 da:打达 pi:批 bao:报 gua:挂 ju:据 pai:排派 tui:推退 miao:描 ti:提 cha:插查
cao:操 gai:改 zheng:政正证 xiao:效 shu:数述 wen:文 fang:方 ri:日 zan:暂 geng:更 zui:最罪 you:有 ji:机计级记技系 shu:束 gou:构
lai:来 guo:过果 biao:标表 he:核合 an:案 bu:步部补 bi:毕 shui:水 qiu:求 liu:流 dian:点电 te:特 zhuang:状 huan:环 li:理立里历
sheng:生 yong:用 deng:登 mu:目 xiang:相项象向 ma:码 she:社设 lei:类 xi:系 yue:约 zu:组 zhi:织 jing:经进 zhe:者
lian:联 yao:要 tao:讨 xun:讯 lun:论 shuo:说 qing:请 nuo:诺 ze:责 fei:费 jin:进近 song:送 dao:道 jian:键 men:门 ji:际 xian:限
chu:除 shun:顺 yu:预 ling:领 zhou:骤 jin:金 zhan:站 mi:秘密 zhi:知 shu:署 ti:体 jie:接 ti:题 gao:告 hao:好
"""
_SOUND = {
    char: sound for sound, _, chars in (item.partition(":") for item in _SOUNDS.split()) for char in chars
} | {"单": "dan", "进": "jin", "系": "xi", "需": "xu", "行": "xing"}


def full(term: str) -> str:
    """受理时间 -> shoulishijian."""
    return "".join(_SOUND[char] for char in term)


def initials(term: str) -> str:
    """受理时间 -> slsj."""
    return "".join(_SOUND[char][0] for char in term)
