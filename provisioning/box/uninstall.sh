  # Remove what was installed, whatever of it is there. $1: --purge takes the buffer and its key too.
  [ ! -e /etc/mingcha/central.toml ] || { echo '✕ 本机也是市中心，不卸载  /etc/mingcha/central.toml' >&2; exit 78; }
  [ "$(id -u)" = 0 ] || { echo '✕ 没有 root 权限：请以 root 执行' >&2; exit 77; }
  systemctl disable --now -q mingcha-agent.service mingcha-renew.timer mingcha-upgrade.timer mingcha-boot-check.service 2>/dev/null || true
  systemctl stop -q mingcha-agent.service mingcha-renew.timer mingcha-renew.service mingcha-upgrade.timer 2>/dev/null || true
  rm -rf /etc/systemd/system/mingcha-agent.service /etc/systemd/system/mingcha-agent.service.d \
    /etc/systemd/system/mingcha-renew.service /etc/systemd/system/mingcha-renew.timer \
    /etc/systemd/system/multi-user.target.wants/mingcha-agent.service \
    /etc/systemd/system/mingcha-upgrade.service /etc/systemd/system/mingcha-upgrade.timer \
    /etc/systemd/system/mingcha-boot-check.service \
    /etc/systemd/system/multi-user.target.wants/mingcha-boot-check.service \
    /etc/systemd/system/timers.target.wants/mingcha-renew.timer \
    /etc/systemd/system/timers.target.wants/mingcha-upgrade.timer /var/lib/mingcha-upgrade \
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
