#!/usr/bin/env bash
# Fetches the real mail servers and the name server that `npm run test:mta` runs the built program against.
#
# Nothing is installed and no service can start: each server is unpacked, with the libraries it needs, into a folder of
# its own that later becomes the root of a chroot. That is also how servers that exclude one another as Debian packages
# (mail-transport-agent) can live side by side, next to whatever mail server the machine already has.
#
# Usage: test/mta/install.sh          Debian or a derivative, as root; no questions; the second run is a no-op.
# MTA_CACHE: where to unpack (default: .mta-cache in the project, ignored by git). It must allow device nodes.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
exec </dev/null

here=$(cd "$(dirname "$0")" && pwd)
cache=${MTA_CACHE:-$(cd "$here/../.." && pwd)/.mta-cache}
layout=2 # raise it when the contents of the roots change, other than by their packages: old ones are then made anew

say() { printf 'test/mta/install.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

[ "$(id -u)" = 0 ] || die 'needs root: the servers run in a chroot and under several users'
command -v apt-get >/dev/null || die 'needs apt-get: most of the servers are those of Debian'
command -v npm >/dev/null || die 'needs npm: Haraka comes from there'

# server: the packages that hold it; its binaries, whose libraries are looked for; folders it expects.
servers='postfix exim sendmail opensmtpd courier qpsmtpd aiosmtpd haraka nsd'
packages_of() {
  case $1 in
    postfix) echo postfix ;;
    exim) echo exim4-daemon-light exim4-config ;;
    sendmail) echo sendmail-bin sendmail-cf m4 ;;
    opensmtpd) echo opensmtpd ;;
    courier) echo courier-mta dash coreutils findutils sed ;;
    qpsmtpd) echo qpsmtpd libnet-ip-perl coreutils ;; # its plugin relay uses Net::IP, which nothing in Debian says
    aiosmtpd) echo python3-aiosmtpd ;;
    haraka) echo Haraka@3.3.4 ;;
    nsd) echo nsd openssl ;;
  esac
}

updated=no
update() {
  [ $updated = yes ] && return
  # A machine whose lists are a minute old need not ask again; a bare one has none.
  apt-get update -qq || die 'apt-get update failed'
  updated=yes
}

# What installing the packages would bring besides them: the shared libraries that this machine does not have.
missing_libraries() {
  apt-get install --simulate --quiet --no-install-recommends --allow-change-held-packages "$@" 2>/dev/null |
    awk '$1 == "Inst" && $2 ~ /^lib/ { print $2 }'
}

# All that the packages depend on, as on a machine that has nothing yet, less what is only for the eye. A server that is
# a script needs its interpreter with the modules of just that version, whichever the machine has, if it has one.
dependencies() {
  apt-get install --simulate --quiet --no-install-recommends -o Dir::State::status=/dev/null "$@" 2>/dev/null |
    awk '$1 == "Inst" && $2 !~ /^(fonts|libjs|sphinx)-/ { print $2 }'
}

# Copies into the root the libraries that its programs name and that the packages did not bring: this machine has them.
copy_host_libraries() {
  local root=$1 file library
  local path
  path=$(find "$root" -type f -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
  find "$root" -type f \( -perm -u+x -o -name '*.so*' \) -print0 |
    while IFS= read -r -d '' file; do
      LD_LIBRARY_PATH=$path ldd "$file" 2>/dev/null || true
    done | tr -s ' \t' '\n' | grep '^/' | sort -u |
    while IFS= read -r library; do
      case $library in "$root"/*) continue ;; esac
      [ -e "$root$library" ] && continue
      mkdir -p "$root$(dirname "$library")"
      cp --dereference "$library" "$root$library"
    done
}

# A root has what a C library asks for, and no resolver: nothing in it can look up a name outside.
furnish() {
  local root=$1
  mkdir -p "$root"/{dev,etc,tmp,run,var/empty,var/log,var/run,var/spool,var/lib,var/tmp,root}
  chmod 1777 "$root/tmp" "$root/var/tmp"
  chmod 711 "$root/var/empty"
  mknod "$root/dev/null" c 1 3
  mknod "$root/dev/zero" c 1 5
  mknod "$root/dev/random" c 1 8
  mknod "$root/dev/urandom" c 1 9
  chmod 666 "$root"/dev/*
  : 2>/dev/null >"$root/dev/null" || die "$cache does not allow device nodes (nodev?): set MTA_CACHE to a folder that does"
  printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
  printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\nprotocols: files\nnetworks: files\naliases: files\n' \
    >"$root/etc/nsswitch.conf"
  printf 'smtp 25/tcp\ndomain 53/tcp\ndomain 53/udp\nsubmission 587/tcp\n' >"$root/etc/services"
  printf 'tcp 6 TCP\nudp 17 UDP\n' >"$root/etc/protocols"
  cat >"$root/etc/passwd" <<'PASSWD'
root:x:0:0:root:/root:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
postfix:x:64101:64101::/var/spool/postfix:/usr/sbin/nologin
Debian-exim:x:64103:64103::/var/spool/exim4:/usr/sbin/nologin
smmta:x:64104:64104::/var/lib/sendmail:/usr/sbin/nologin
smmsp:x:64105:64105::/var/lib/sendmail:/usr/sbin/nologin
opensmtpd:x:64106:64106::/var/empty:/usr/sbin/nologin
opensmtpq:x:64107:64107::/var/empty:/usr/sbin/nologin
nsd:x:64108:64108::/var/lib/nsd:/usr/sbin/nologin
courier:x:64109:64109::/var/lib/courier:/usr/sbin/nologin
qpsmtpd:x:64110:64110::/var/spool/qpsmtpd:/usr/sbin/nologin
alice:x:64200:64200::/nonexistent:/usr/sbin/nologin
PASSWD
  cat >"$root/etc/group" <<'GROUP'
root:x:0:
mail:x:8:
nogroup:x:65534:
postfix:x:64101:
postdrop:x:64102:
Debian-exim:x:64103:
smmta:x:64104:
smmsp:x:64105:
opensmtpd:x:64106:
opensmtpq:x:64107:
nsd:x:64108:
courier:x:64109:
qpsmtpd:x:64110:
alice:x:64200:
GROUP
}

# Puts the packages of Debian into the root, and says which version of the first one that is.
unpack_debian() {
  local root=$1 work=$2 package
  shift 2
  mkdir "$work/debs"
  chmod 777 "$work/debs" # apt fetches as a user of its own
  (cd "$work/debs" && apt-get download -qq "$@") || die "could not fetch $*"
  for package in "$work"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$package" |
      tar -x --keep-directory-symlink -C "$root" --exclude './usr/share/doc' --exclude './usr/share/man' \
        --exclude './usr/share/locale' --exclude './lib/systemd' --exclude './etc/init.d'
  done
  printf '%s %s\n' "$1" "$(dpkg-deb -f "$work"/debs/"$1"_*.deb Version)"
}

# Haraka's program in its root: here it makes the folder with its configuration as shipped, in a test it is the server.
haraka=/opt/haraka/node_modules/Haraka/bin/haraka

# Puts an npm package into the root, with this machine's Node; nothing is compiled and no script of a package runs.
# The overrides: the exact versions that libmime asks for are not in every registry.
unpack_npm() {
  local root=$1 work=$2 package=$3
  mkdir -p "$root/opt/haraka"
  printf '{"private":true,"dependencies":{"%s":"%s"},"overrides":{"encoding-japanese":"^2","libqp":"^2"}}\n' \
    "${package%@*}" "${package#*@}" >"$root/opt/haraka/package.json"
  (cd "$root/opt/haraka" && npm install --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error) \
    >"$work/npm.log" 2>&1 || die "could not fetch $package: $(cat "$work/npm.log")"
  cp "$(node -p process.execPath)" "$root/usr/bin/node"
  printf '%s %s\n' "${package%@*}" "${package#*@}"
}

fetch() {
  local server=$1 root=$cache/$1 work packages folder version
  packages=$(packages_of "$server")
  if [ "$(cat "$root.layout" 2>/dev/null)" = "$layout $packages" ] && [ -d "$root" ]; then
    say "$server: there already ($(cat "$root.version"))"
    return
  fi
  rm -rf "$root" "$root.layout"
  work=$(mktemp -d)
  chmod 755 "$work"
  # A Debian root is /usr-merged; packages of the older kind put files into /lib, which then are found all the same.
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
  for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
  [ "$server" = haraka ] || update
  # shellcheck disable=SC2046,SC2086
  case $server in
    haraka) version=$(unpack_npm "$root" "$work" "$packages") ;;
    courier | qpsmtpd | aiosmtpd)
      version=$(unpack_debian "$root" "$work" $packages $(dependencies $packages)) ;;
    *) version=$(unpack_debian "$root" "$work" $packages $(missing_libraries $packages)) ;;
  esac
  find "$root" -type f -perm /6000 -exec chmod ug-s {} + # nothing here need be more than who starts it
  furnish "$root"
  copy_host_libraries "$root"
  [ "$server" != haraka ] || env -i "$(command -v chroot)" "$root" /usr/bin/node "$haraka" --install /srv/haraka >/dev/null
  printf '%s\n' "$version" >"$root.version"
  printf '%s\n' "$layout $packages" >"$root.layout"
  rm -rf "$work"
  say "$server: $version"
}

# A certificate for the servers that speak TLS: nobody trusts it, and nobody has to.
certify() {
  local tls=$cache/tls root=$cache/nsd
  [ -s "$tls/cert.pem" ] && return
  mkdir -p "$tls"
  printf '[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nCN = mail.example\n' >"$root/tmp/openssl.cnf"
  chroot "$root" /usr/bin/openssl req -config /tmp/openssl.cnf -x509 -newkey rsa:2048 -nodes -days 3650 \
    -keyout /tmp/key.pem -out /tmp/cert.pem 2>/dev/null || die 'openssl made no certificate'
  mv "$root/tmp/key.pem" "$root/tmp/cert.pem" "$tls/"
  rm -f "$root/tmp/openssl.cnf"
}

mkdir -p "$cache"
printf '*\n' >"$cache/.gitignore" # the folder ignores itself
for server in $servers; do fetch "$server"; done
certify
