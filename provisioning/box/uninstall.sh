  # Remove what was installed, whatever of it is there. $1: --purge takes the buffer and its key too.
  [ ! -e /etc/mingcha/central.toml ] || { echo '✕ 本机也是市中心，不卸载  /etc/mingcha/central.toml' >&2; exit 78; }
  [ "$(id -u)" = 0 ] || { echo '✕ 没有 root 权限：请以 root 执行' >&2; exit 77; }
  # Timers first: none of them starts what has just been stopped. A release may have brought units of its own.
  for unit in /etc/systemd/system/mingcha-*.timer /etc/systemd/system/mingcha-*.service; do
    systemctl disable --now -q "${unit##*/}" 2>/dev/null || true
  done
  rm -rf /etc/systemd/system/mingcha-* /etc/systemd/system/*.wants/mingcha-* /var/lib/mingcha-upgrade \
    /etc/mingcha/agent.toml /etc/mingcha/mapping.toml /var/lib/mingcha-pki \
    /usr/local/bin/mingcha-agent /opt/mingcha
  systemctl daemon-reload || true
  if [ "${1:-}" = --purge ]; then
    rm -rf /etc/mingcha /var/lib/mingcha /var/cache/mingcha /var/log/mingcha /usr/lib/sysusers.d/mingcha.conf
    userdel mingcha 2>/dev/null || true
    echo '✓ 已卸载，缓存与密钥已删除'
  else
    echo '✓ 已卸载；缓存留在 /var/lib/mingcha，主密钥与密码留在 /etc/mingcha/creds。一并删除：再加 --purge'
  fi
