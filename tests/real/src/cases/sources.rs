//! Real sources: built in the guest in every way, with their own test suites.

use crate::case::{Case, Extent, Verdict};

/// Builds in one way in the sample, and in six in the long run.
macro_rules! every_way {
    ($build:literal) => {
        concat!(
            "ways='power9:O2'; [ $SCALE = 1 ] || ways='power8:O0 power8:O2 power8:O3 power9:O0 power9:O2 power9:O3'\n",
            "for way in $ways; do\n",
            "export CFLAGS=\"-mcpu=${way%:*} -${way#*:}\"; echo \"$CFLAGS\"\n",
            $build,
            "\ndone"
        )
    };
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "source-zlib",
            claim: "zlib is built by gcc and make, and its tests pass",
            packages: &["gcc", "make"],
            sources: &["zlib"],
            script: every_way!(
                "(cd zlib; make distclean > /dev/null 2>&1 || true; check configure ./configure; check build make -j$CPUS; check test make test; grep -c OK test.log)"
            ),
            verdict: Verdict::PrintsTheSame,
            minutes: 15,
            ..Case::USUAL
        },
        Case {
            name: "source-bzip2",
            claim: "bzip2 is built by gcc and make, and its samples come out as they are shipped",
            packages: &["gcc"],
            sources: &["bzip2"],
            // Debian's Makefile wants libtool; the programs are one line each.
            script: every_way!(
                r#"(cd bzip2; gcc $CFLAGS -D_FILE_OFFSET_BITS=64 -o bzip2 bzip2.c blocksort.c huffman.c crctable.c randtable.c compress.c decompress.c bzlib.c 2> build.log
for i in 1 2 3; do ./bzip2 -$i < sample$i.ref > made; cmp made sample$i.bz2; ./bzip2 -d < sample$i.bz2 | cmp - sample$i.ref; done
./bzip2 -ds < sample3.bz2 | cmp - sample3.ref)"#
            ),
            verdict: Verdict::AsPeer(&["bzip2/bzip2 -kvvf9 bzip2/manual.html bzip2/blocksort.c"]),
            ..Case::USUAL
        },
        Case {
            name: "source-lua",
            claim: "lua is built in every way, and computes what it computes under the peer",
            packages: &["gcc"],
            sources: &["lua5.4"],
            files: &[("numbers.lua", include_str!("../../programs/numbers.lua"))],
            script: every_way!(
                r#"echo '#define DEB_HOST_MULTIARCH "powerpc64le-linux-gnu"' > lua5.4/src/lua5.4-deb-multiarch.h
(cd lua5.4/src; gcc $CFLAGS -DLUA_USE_POSIX -o ../../lua $(ls *.c | grep -v luac.c) -lm 2> build.log)
./lua numbers.lua > "$way.out"; cmp "$way.out" "${first:=$way.out}""#
            ),
            verdict: Verdict::AsPeer(&["./lua numbers.lua"]),
            ..Case::USUAL
        },
        Case {
            name: "source-sqlite",
            claim: "sqlite's amalgamation is made and built; its speed test verifies, and its fuzz cases pass",
            packages: &["gcc", "make", "tcl8.6"],
            sources: &["sqlite3"],
            script: r#"
mkdir build; cd build
command -v tclsh > /dev/null || ln -s /usr/bin/tclsh8.6 /usr/local/bin/tclsh
check configure ../sqlite3/configure --disable-tcl --disable-readline
check amalgamation make sqlite3.c
for way in power9:O2 power8:O0; do
    flags="-mcpu=${way%:*} -${way#*:} -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_JSON1 -I."
    gcc $flags -c sqlite3.c
    gcc $flags -o speedtest1 ../sqlite3/test/speedtest1.c sqlite3.o -lm -lpthread -ldl
    for suite in main cte rtree json; do
        rm -f db; ./speedtest1 --verify --size 10 --testset $suite db | sed 's/ *[0-9.]*s$//' | tee -a "$way.out" | sha256sum
    done
    gcc $flags -o fuzzcheck ../sqlite3/test/fuzzcheck.c ../sqlite3/test/ossfuzz.c sqlite3.o -lm -lpthread -ldl
    check fuzz-$way ./fuzzcheck --limit-mem 100M ../sqlite3/test/fuzzdata1.db ../sqlite3/test/fuzzdata3.db
done
cmp power9:O2.out power8:O0.out
"#,
            verdict: Verdict::PrintsTheSame,
            extent: Extent::Long,
            minutes: 60,
            ..Case::USUAL
        },
        Case {
            name: "source-gmp",
            claim: "gmp, whose inner loops are POWER9 assembler, is built and its own tests pass",
            packages: &["gcc", "make"],
            sources: &["gmp"],
            script: "
cd gmp
check configure ./configure --build=power9-unknown-linux-gnu --disable-shared
check build make -j$CPUS
check test make -j$CPUS check
",
            extent: Extent::Long,
            minutes: 120,
            ..Case::USUAL
        },
    ]
}
