//! dpkg: packages that are carried in are installed, configured, verified, removed and purged.

use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![Case {
        name: "dpkg-packages",
        claim: "dpkg installs, configures, verifies, removes and purges, and what it has installed runs",
        packages: &["openssl", "perl", "python3"],
        debs: &[
            "hello",
            "jq",
            "libjq1",
            "libonig5",
            "ca-certificates",
            "lua5.4",
            "cowsay",
            "libtext-charwidth-perl",
        ],
        script: r#"
export DEBIAN_FRONTEND=noninteractive
for round in $(seq $((SCALE > 5 ? 5 : SCALE))); do
    check install dpkg -i debs/*.deb
    test -z "$(dpkg --audit)"
    check verify dpkg -V hello jq libjq1 libonig5 lua5.4 cowsay ca-certificates
    test "$(hello -t)" = "hello, world"
    test "$(echo '{"a":[1,2.5,1e3]}' | jq -c '.a | add, length')" = $'1003.5\n3'
    test "$(lua5.4 -e 'print(2^53, 7 // 2, 0x7fffffffffffffff + 1)')" = $'9.007199254741e+15\t3\t-9223372036854775808'
    /usr/games/cowsay moo | grep -q 'moo'
    test "$(ls /etc/ssl/certs/*.0 | wc -l)" -gt 100
    openssl verify -CApath /etc/ssl/certs /etc/ssl/certs/ISRG_Root_X1.pem > verified
    check remove dpkg -r jq hello cowsay
    ! command -v jq; test -d /etc/ssl/certs
    check again dpkg -i debs/jq.deb
    check purge dpkg -P jq libjq1 libonig5 lua5.4 ca-certificates
    test -z "$(dpkg --audit)"
    ! ls /etc/ssl/certs/*.0 2>/dev/null
    # What was there before still is as its package says; configuration files may differ.
    check others dpkg -V coreutils bash perl-base libc6 openssl
done
"#,
        minutes: 15,
        ..Case::USUAL
    }]
}
