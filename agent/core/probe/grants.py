"""What the site's database administrator runs to make our account: SELECT on named tables, two connections, no more.

Those for MariaDB and PostgreSQL are run by tests; the others follow their vendors' manuals (capture.md 3.6).
"""

from collections.abc import Sequence

from msgspec import Struct


class _Sql(Struct, frozen=True):
    """Statements of one engine: before the grants, for each table, behind them; and what stands for all tables."""

    begin: str
    each: str
    end: str
    whole: str
    left: str = '"'
    right: str = '"'


_ENGINES = {
    "mysql": _Sql(
        """\
CREATE USER '{user}'@'{host}' IDENTIFIED BY '<密码>' WITH MAX_USER_CONNECTIONS 2;""",
        "GRANT SELECT ON {table} TO '{user}'@'{host}';",
        "-- 核对：SHOW GRANTS FOR '{user}'@'{host}';",
        "`{database}`.*",
        "`",
        "`",
    ),
    "postgresql": _Sql(
        """\
CREATE ROLE "{user}" LOGIN PASSWORD '<密码>' CONNECTION LIMIT 2;
ALTER ROLE "{user}" SET default_transaction_read_only = on;
ALTER ROLE "{user}" SET statement_timeout = '5s';
ALTER ROLE "{user}" SET lock_timeout = '1s';
GRANT CONNECT ON DATABASE "{database}" TO "{user}";
GRANT USAGE ON SCHEMA {schemas} TO "{user}";""",
        'GRANT SELECT ON {table} TO "{user}";',
        "-- 核对：SELECT * FROM information_schema.role_table_grants WHERE grantee = '{user}';",
        "ALL TABLES IN SCHEMA public",
    ),
    "sqlserver": _Sql(
        """\
USE [{database}];
CREATE LOGIN [{user}] WITH PASSWORD = N'<密码>', DEFAULT_DATABASE = [{database}];
CREATE USER [{user}] FOR LOGIN [{user}];""",
        "GRANT SELECT ON {table} TO [{user}];",
        """\
-- 连接数上限在 SQL Server 上须用资源调控器或登录触发器设置
-- 核对：SELECT * FROM sys.database_permissions WHERE grantee_principal_id = USER_ID('{user}');""",
        "SCHEMA::dbo",
        "[",
        "]",
    ),
    "oracle": _Sql(
        """\
CREATE PROFILE mingcha_ro LIMIT SESSIONS_PER_USER 2;
CREATE USER "{user}" IDENTIFIED BY "<密码>" PROFILE mingcha_ro;
GRANT CREATE SESSION TO "{user}";""",
        'GRANT SELECT ON {table} TO "{user}";',
        """\
-- SESSIONS_PER_USER 须 resource_limit = TRUE 才生效
-- 核对：SELECT * FROM dba_tab_privs WHERE grantee = '{user}';""",
        '"<属主>"."<表>"',
    ),
    "dameng": _Sql(
        """\
CREATE USER "{user}" IDENTIFIED BY "<密码>" LIMIT SESSION_PER_USER 2;
GRANT CREATE SESSION TO "{user}";""",
        'GRANT SELECT ON {table} TO "{user}";',
        "-- 核对：SELECT * FROM dba_tab_privs WHERE grantee = '{user}';",
        '"{database}"."<表>"',
    ),
}
_ALIKE = {"mariadb": "mysql", "kingbase": "postgresql"}
_FILES = {"sqlite", "access", "folder"}
_BY_SCHEMA = {"mysql", "dameng"}
"""Whoever grants need not be at home in what is read, so each table is named with it."""
_FOLDED = {"oracle", "dameng"}
"""A name that is not quoted is written large there, at the log-in too: an account of small letters could not log in."""
_FIRST = (
    "-- 勘察用，范围较宽；映射定稿后请按其中的表逐表授权（--grants mapping.toml），那里写有怎样收回以下授权"
)
_AGAIN = """\
-- 勘察时已建好账号的：跳过以上建立账号的语句，先执行下一句（去掉行首的 --）收回较宽的授权，再执行其余
-- {revoke}"""
_RUN = {"mysql", "mariadb", "postgresql"}
_UNTRIED = "-- 按厂商手册写成，没有在真实服务器上执行过"
_LARGE = "-- 账号名为大写，mapping.toml 的 user 请写 {user}"


def statements(kind: str, database: str, user: str, host: str, tables: Sequence[str]) -> str:
    """For the engine `kind`; `host`: this box as the server sees it, or `%`. Without `tables`: to look around with.

    The caller has checked all names (query.identifier).
    """
    untried = [] if kind in _RUN else [_UNTRIED]
    kind = _ALIKE.get(kind, kind)
    sql = _ENGINES[kind]
    if kind in _BY_SCHEMA:
        tables = [table if "." in table else f"{database}.{table}" for table in tables]
    large = [_LARGE] if kind in _FOLDED and not user.isupper() else []
    user = user.upper() if kind in _FOLDED else user
    quoted = [".".join(f"{sql.left}{part}{sql.right}" for part in table.split(".", 1)) for table in tables]
    named = {table.split(".", 1)[0] if "." in table else "public" for table in tables} or {"public"}
    schemas = ", ".join(f'"{schema}"' for schema in sorted(named))

    def filled(text: str, table: str = "") -> str:
        return text.format(database=database, user=user, host=host, schemas=schemas, table=table)

    whole = filled(sql.whole)
    revoke = sql.each.replace("GRANT", "REVOKE").replace(" TO ", " FROM ")
    first = _AGAIN.format(revoke=filled(revoke, whole)) if tables else _FIRST
    grants = [filled(sql.each, table) for table in quoted or [whole]]
    return "\n".join([*untried, *map(filled, [*large, sql.begin]), first, *grants, filled(sql.end)])


def is_file(kind: str) -> bool:
    """A file or folder has an owner and a mode instead of grants."""
    return kind in _FILES


def permissions(path: str, account: str = "mingcha") -> str:
    """For a file or a folder of files: the agent's account reads it, and may do nothing else."""
    quoted = "'" + path.replace("'", "'\\''") + "'"
    return f"""\
# 请以该文件属主或 root 执行；{account} 是采集程序的账号
setfacl -R -m u:{account}:rX {quoted}
# 所在目录须可进入；SQLite 还须读得到旁边的 -wal 文件
setfacl -m u:{account}:rx "$(dirname {quoted})"
# 核对，应印出“只读”：
sudo -u {account} test -r {quoted} && ! sudo -u {account} test -w {quoted} && echo 只读"""
