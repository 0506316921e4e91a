# 明察 市中心安装：安装、修复、升级是同一条命令。不需要网络。以 root 执行：
#   sh install.sh --host 10.1.0.5        （站点访问市中心的地址；再次执行时不用写）
# One function, called in the last line: a file that is cut anywhere runs nothing of it.
main() {
  set -eu
  umask 022
  root=/opt/mingcha-hall
  here=$(cd "$(dirname "$0")" && pwd)
  arch='@ARCH@' release='@RELEASE@' file='@FILE@' sha256='@SHA256@' size='@SIZE@'

  fail() { # exit code, id, what, remedy
    printf '✕ 失败 [%s] %s\n  处理：%s\n' "$2" "$3" "$4" >&2
    exit "$1"
  }

  [ "$(id -u)" = 0 ] || fail 77 root '没有 root 权限' '请以 root 执行：先 su -'
  [ "$(uname -m)" = "$arch" ] || fail 78 arch "本介质是 $arch 的，本机是 $(uname -m)" '请使用相应架构的介质'
  version=$(systemctl --version 2>/dev/null | sed -n '1s/systemd \([0-9]*\).*/\1/p' || true)
  [ "${version:-0}" -ge 247 ] || fail 78 systemd '需要 systemd 247 以上' '请使用 Debian 12 或相当的系统'
  tree=$root/releases/$release
  if [ ! -d "$tree" ] || ! (cd "$tree" && sha256sum --status -c SHA256SUMS); then
    free=$({ df -Pk /opt 2>/dev/null || df -Pk /; } | awk 'NR == 2 { print $4 }')
    [ "$free" -ge $((size / 1024 * 6)) ] || fail 79 disk "/opt 只剩 $((free / 1024)) MB" "请至少腾出 $((size * 6 / 1048576)) MB 后重试"
    [ "$(sha256sum <"$here/hall/$file")" = "$sha256  -" ] || fail 65 medium "介质不完整：hall/$file" '请重新复制整个介质'
    printf '… 解开 %s（%s MB）\n' "$release" $((size / 1048576))
    rm -rf "$root/releases/.$release" "$root/releases/.damaged"
    mkdir -p "$root/releases/.$release"
    tar -xzf "$here/hall/$file" -C "$root/releases/.$release" --no-same-owner ||
      fail 79 unpack '解不开' '请检查 /opt 的空间与权限后，再执行一次同一条命令'
    sync "$root/releases/.$release"/SHA256SUMS "$root/releases" || true
    [ ! -d "$tree" ] || mv -T "$tree" "$root/releases/.damaged"
    mv -T "$root/releases/.$release" "$tree"
  fi
  rm -rf "$root"/releases/.[!.]*
  # One step each: whoever starts meanwhile runs the old release or the new one.
  put() { # target, link
    [ "$(readlink "$2")" = "$1" ] || { ln -sfn "$1" "$2.part" && mv -T "$2.part" "$2"; }
  }
  put "$tree" "$root/current"
  put "$root/current/bin/mingcha" /usr/local/bin/mingcha
  put "$root/current/bin/mingcha-door" /usr/local/bin/mingcha-door
  # Two are kept: this one and the newest before it.
  for old in $(ls -1t "$root/releases" | grep -vx "$release" | tail -n +2); do rm -rf "$root/releases/$old"; done
  exec /usr/local/bin/mingcha central init --medium "$here" "$@"
}
main "$@"
