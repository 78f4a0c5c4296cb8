set -eu
# Runs a command as a container would: a root that is read-only, /tmp as the only place to write, a user without rights.
# Arguments: an empty folder, the context of the image, a user id, the command. PYTHON_HOME: of the Python that runs it.
root=$1 context=$2 user=$3; shift 3
python_home=$PYTHON_HOME
mount --rbind / "$root"
mount --make-rprivate "$root"
# A Python below a closed folder, such as /root, is shown to the user by a mount of its own.
top=/$(echo "$python_home" | cut -d/ -f2)
if ! setpriv --reuid "$user" --regid "$user" --clear-groups test -x "$python_home/bin"; then
  mount --bind "$python_home" /mnt
  mount -t tmpfs -o mode=755 tmpfs "$root$top"
  mkdir -p "$root$python_home"
  mount --bind /mnt "$root$python_home"
  mount -o remount,bind,ro "$root$top"
fi
mount -t tmpfs -o mode=755 tmpfs "$root/home"
mkdir -p "$root/home/bentoml/bento"
mount --bind "$context" "$root/home/bentoml/bento"
mount -o remount,bind,ro "$root/home/bentoml/bento"
mount -o remount,ro "$root/home"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
cd "$root/home/bentoml/bento"
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all "$@"
