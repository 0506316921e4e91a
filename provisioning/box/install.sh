# 明察 站点安装：安装、修复、重新登记是同一条命令。由市中心生成，内容不含秘密。
# One function, called in the last line: a download that is cut anywhere runs nothing of it.
main() {
  set -eu
  umask 022
  hall='@HALL@' pin='@PIN@'
  root=/opt/mingcha

  fail() { # exit code, id, what, remedy
    printf '✕ 失败 [%s] %s\n  处理：%s\n' "$2" "$3" "$4" >&2
    exit "$1"
  }

  [ "$(id -u)" = 0 ] || fail 77 root '没有 root 权限' '请以 root 执行：在命令末尾的 sh 前加 sudo -E，或先 su -'
  case " $* " in
    *' --uninstall '*)
      case " $* " in *' --purge '*) set -- --purge ;; *) set -- ;; esac
@UNINSTALL@
      exit 0
      ;;
  esac
  here=$(dirname "$0") # of a script on a stick, which has the archive beside it
  arch=$(uname -m)
  case $arch in
@BUNDLES@
    *) fail 78 arch "市中心没有 $arch 的安装包" '请在市中心导入该架构的发行介质：mingcha release import 目录' ;;
  esac
  version=$(systemctl --version 2>/dev/null | sed -n '1s/systemd \([0-9]*\).*/\1/p' || true)
  [ "${version:-0}" -ge 247 ] || fail 78 systemd '需要 systemd 247 以上' '请使用 Debian 12 或相当的系统'
  free=$({ df -Pk /opt 2>/dev/null || df -Pk /; } | awk 'NR == 2 { print $4 }')
  [ "$free" -ge $((size / 1024 * 6)) ] || fail 79 disk "/opt 只剩 $((free / 1024)) MB" "请至少腾出 $((size * 6 / 1048576)) MB 后重试"

  get() { # url, file: goes on where an earlier download was cut
    if command -v curl >/dev/null; then
      curl -fsSk --retry 3 --pinnedpubkey "$pin" -C - -o "$2" "$1" </dev/null
    elif command -v wget >/dev/null; then
      wget -q --tries 3 --no-check-certificate --pinnedpubkey "$pin" -c -O "$2" "$1" </dev/null
    else
      fail 78 curl '没有 curl 也没有 wget' '请先安装其中一个：apt-get install curl'
    fi
  }
  is_sound() { [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$sha256  -" ]; }

  case " $* " in *' --dry-run '*) dry=1 ;; *) dry= ;; esac
  tree=$root/releases/$release
  if [ ! -d "$tree" ] || ! (cd "$tree" && sha256sum --status -c SHA256SUMS </dev/null); then
    if [ -n "$dry" ]; then
      printf '将取得 %s（%s MB）解开到 %s，\n然后登记、封存主密钥、写入配置与服务、启用并体检。什么也没有改动。\n' "$file" $((size / 1048576)) "$tree"
      exit 0
    fi
    stage=$root/stage
    mkdir -p "$stage" "$root/releases"
    chmod 755 "$root" "$root/releases"
    if ! is_sound "$stage/$file" && is_sound "$here/$file"; then
      printf '… 从 %s 取安装包 %s\n' "$here" "$release"
      cp "$here/$file" "$stage/$file"
    fi
    if ! is_sound "$stage/$file"; then
      printf '… 取得安装包 %s（%s MB）\n' "$release" $((size / 1048576))
      find "$stage" -type f ! -name "$file" -delete
      code=0
      get "$hall/b/$file" "$stage/$file" || code=$?
      if ! is_sound "$stage/$file"; then
        # A file that is whole and wrong is of no use for going on.
        [ "$code" -ne 0 ] || rm -f "$stage/$file"
        [ "$code" -eq 0 ] || fail 69 hall "从 $hall 取不到安装包（$code）" '请检查到市中心的网络与 8443 端口；密钥不符（90、5）时请用市中心最新印出的命令'
        fail 65 bundle '安装包损坏' '请再执行一次同一条命令'
      fi
    fi
    rm -rf "$root/releases/.$release"
    mkdir "$root/releases/.$release"
    tar -xzf "$stage/$file" -C "$root/releases/.$release" --no-same-owner </dev/null ||
      fail 79 unpack '解不开安装包' '请检查 /opt 的空间与权限后，再执行一次同一条命令'
    sync "$root/releases/.$release"/SHA256SUMS "$root/releases" || true
    # A tree that was damaged makes way; a running agent keeps the files it has open.
    rm -rf "$root/releases/.damaged"
    [ ! -d "$tree" ] || mv -T "$tree" "$root/releases/.damaged"
    mv -T "$root/releases/.$release" "$tree"
  fi
  [ -n "$dry" ] || rm -rf "$root/stage" "$root"/releases/.[!.]*

  if [ -z "${MC_TOKEN:-}" ] && [ -f "$here/token" ]; then
    MC_TOKEN=$(cat "$here/token") MC_LETTER=
    [ ! -f "$here/site.json" ] || MC_LETTER=$here/site.json
    export MC_TOKEN MC_LETTER
  fi
  MC_HALL=$hall MC_RELEASE=$release MC_CA='@CA@' MC_KEY='@KEY@'
  export MC_HALL MC_RELEASE MC_CA MC_KEY
  # What it asks, it asks the terminal: our standard input is this script.
  exec "$tree/bin/python" -m provisioning box install "$@" </dev/null
}
main "$@"
