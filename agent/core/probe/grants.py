"""What the site's database administrator runs to make our account: SELECT on named tables, two connections, no more.

Proven on MariaDB and PostgreSQL; the others follow their vendors' manuals (capture.md 3.6).
"""

from collections.abc import Sequence

_EACH = {
    "mysql": (
        "CREATE USER '{user}'@'{host}' IDENTIFIED BY '<密码>' WITH MAX_USER_CONNECTIONS 2;",
        "GRANT SELECT ON `{database}`.{table} TO '{user}'@'{host}';",
        "-- 核对：SHOW GRANTS FOR '{user}'@'{host}';",
    ),
    "postgresql": (
        "CREATE ROLE \"{user}\" LOGIN PASSWORD '<密码>' CONNECTION LIMIT 2;\n"
        'ALTER ROLE "{user}" SET default_transaction_read_only = on;\n'
        "ALTER ROLE \"{user}\" SET statement_timeout = '5s';\n"
        "ALTER ROLE \"{user}\" SET lock_timeout = '1s';\n"
        'GRANT CONNECT ON DATABASE "{database}" TO "{user}";\n'
        'GRANT USAGE ON SCHEMA {schemas} TO "{user}";',
        'GRANT SELECT ON {table} TO "{user}";',
        "-- 核对：SELECT * FROM information_schema.role_table_grants WHERE grantee = '{user}';",
    ),
    "sqlserver": (
        "USE [{database}];\nCREATE LOGIN [{user}] WITH PASSWORD = N'<密码>', DEFAULT_DATABASE = [{database}];\n"
        "CREATE USER [{user}] FOR LOGIN [{user}];",
        "GRANT SELECT ON {table} TO [{user}];",
        "-- 连接数上限在 SQL Server 上须用资源调控器或登录触发器设置\n"
        "-- 核对：SELECT * FROM sys.database_permissions WHERE grantee_principal_id = USER_ID('{user}');",
    ),
    "oracle": (
        "CREATE PROFILE mingcha_ro LIMIT SESSIONS_PER_USER 2;\n"
        'CREATE USER "{user}" IDENTIFIED BY "<密码>" PROFILE mingcha_ro;\n'
        'GRANT CREATE SESSION TO "{user}";',
        'GRANT SELECT ON {table} TO "{user}";',
        "-- SESSIONS_PER_USER 须 resource_limit = TRUE 才生效\n"
        "-- 核对：SELECT * FROM dba_tab_privs WHERE grantee = '{user}';",
    ),
    "dameng": (
        'CREATE USER "{user}" IDENTIFIED BY "<密码>" LIMIT SESSION_PER_USER 2;\nGRANT CREATE SESSION TO "{user}";',
        'GRANT SELECT ON {table} TO "{user}";',
        "-- 核对：SELECT * FROM dba_tab_privs WHERE grantee = '{user}';",
    ),
}
_WHOLE = {
    "mysql": "*",
    "postgresql": "ALL TABLES IN SCHEMA public",
    "sqlserver": "SCHEMA::dbo",
    "oracle": '"<属主>"."<表>"',
    "dameng": '"<模式>"."<表>"',
}
_FIRST = "-- 勘察用，范围较宽；映射定稿后请按其中的表逐表授权（--grants mapping.toml），并收回以下授权"
_ALIKE = {"mariadb": "mysql", "kingbase": "postgresql"}
_FILES = {"sqlite", "access", "folder"}
_QUOTES = {"mysql": ("`", "`"), "sqlserver": ("[", "]")}


def statements(kind: str, database: str, user: str, host: str, tables: Sequence[str]) -> str:
    """For the engine `kind`; `host`: this box as the server sees it, or `%`. Without `tables`: to look around with.

    The caller has checked all names (query.identifier)."""
    kind = _ALIKE.get(kind, kind)
    begin, each, end = _EACH[kind]
    left, right = _QUOTES.get(kind, ('"', '"'))
    quoted = [".".join(f"{left}{part}{right}" for part in table.split(".", 1)) for table in tables]
    if not tables:
        quoted, begin = [_WHOLE[kind]], f"{begin}\n{_FIRST}"
    schemas = sorted({table.split(".", 1)[0] for table in tables if "." in table} | {"public"})
    given = {
        "database": database,
        "user": user,
        "host": host,
        "schemas": ", ".join(f'"{s}"' for s in schemas),
    }
    lines = [
        begin.format(**given),
        *(each.format(**given, table=table) for table in quoted),
        end.format(**given),
    ]
    return "\n".join(lines)


def is_file(kind: str) -> bool:
    """A file or folder has an owner and a mode instead of grants."""
    return kind in _FILES


def permissions(path: str, account: str = "mingcha") -> str:
    """For a file or a folder of files: the agent's account reads it, and may do nothing else."""
    return "\n".join(
        (
            f"# 请以该文件属主或 root 执行；{account} 是采集程序的账号",
            f"setfacl -R -m u:{account}:rX '{path}'",
            "# SQLite：所在目录须可读可进入，使程序读得到 -wal 文件",
            f"setfacl -m u:{account}:rx \"$(dirname '{path}')\"",
            f"# 核对：sudo -u {account} sh -c \"head -c 1 '{path}' > /dev/null && ! test -w '{path}'\" && echo 只读",
        )
    )
