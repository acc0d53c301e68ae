//! Programs over whole trees of files: git, tar, find, sort, cp, diff.

use crate::case::{Case, Extent, Verdict};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "trees-git",
            claim: "git: commits, packs, clones and merges of a real tree pass git's own check, with the same hashes everywhere",
            packages: &["git", "python3"],
            script: r#"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_CONFIG_GLOBAL=/dev/null HOME=/root
git init -q -b main tree; cd tree
git config gc.auto 0; git config pack.threads "$CPUS"
parts=(asyncio email json unittest)
[ "$SCALE" = 1 ] || parts+=(ctypes encodings multiprocessing importlib xml http lib2to3 distutils sqlite3 test)
for part in "${parts[@]}"; do
    cp -r "/usr/lib/python3.11/$part" .; find . -name __pycache__ -exec rm -rf {} +
    git add -A; git commit -q -m "$part"
done
git checkout -q -b side HEAD~2
for file in $(git ls-files '*.py' | head -40); do sed -i '1i # changed' "$file"; done
git commit -q -am side
git checkout -q main; git merge -q -m merge side
git repack -q -a -d -f --depth=50; git fsck --full --strict
cd ..; git clone -q --no-local tree clone; git -C clone fsck --full --strict
diff -r -x .git tree clone
git -C clone rev-parse HEAD; git -C clone log --format=%T | sha256sum
git -C clone diff --stat HEAD~1 | tail -1; git -C clone count-objects -v | grep in-pack
"#,
            verdict: Verdict::PrintsTheSame,
            ..Case::USUAL
        },
        Case {
            name: "trees-copies",
            claim: "tar, cp, find, sort, xargs and diff over a tree: every copy is equal",
            packages: &["python3", "perl"],
            script: r#"
from=/usr/share/perl; [ "$SCALE" = 1 ] || from=/usr/lib
mkdir one two
tar -C $from -cf - . | tar -C one -xf -
cp -a $from/. two/
diff -r --no-dereference $from one; diff -r --no-dereference one two
list() { (cd "$1"; find . -type f -print0 | sort -z | xargs -0 -P "$CPUS" -n 50 sha256sum | sort -k 2); }
list one > one.list; list two > two.list; cmp one.list two.list
find one -type f -size +100k -printf '%s %P\n' | sort -n > sizes; sort -nc sizes
tar -C one -cf one.tar --sort=name --mtime=@0 --owner=0 --group=0 .
tar -C two -cf two.tar --sort=name --mtime=@0 --owner=0 --group=0 .
cmp one.tar two.tar
"#,
            ..Case::USUAL
        },
        Case {
            name: "trees-sort",
            claim: "sort, uniq, join, cut, tr, sed and awk over some million lines write the same everywhere",
            packages: &["gawk"],
            script: r#"
gawk -v n=$((100000 * SCALE)) 'BEGIN { s = 7; for (i = 0; i < n; i++) { s = (s * 16807) % 2147483647; print s % 99991, i, s } }' > lines
export LC_ALL=C
sort -n -k 1,1 -k 3,3nr --parallel="$CPUS" -S 4M -T . lines > sorted; sort -n -k 1,1 -k 3,3nr -c sorted
sha256sum < sorted
cut -d ' ' -f 1 sorted | uniq -c | sort -rn -s | sed -n 1,3p
sort -k 3 lines | tr 0-9 a-j | sed 's/a\(b*\)c/[\1]/g' | sha256sum
sort -k 2,2 lines > left; sort -k 1,1 lines | awk '{ print $3, $1 }' | sort -k 1,1 > right
join -1 2 -2 2 left <(sort -k 2,2 right) | wc -l
tac lines | tac | cmp - lines; rev lines | rev | cmp - lines
split -l 7777 lines part.; cat part.* | cmp - lines
LC_ALL=C.UTF-8 sort lines | sha256sum
"#,
            verdict: Verdict::PrintsTheSame,
            extent: Extent::Sample,
            ..Case::USUAL
        },
    ]
}
