//! Compressors: what is packed comes back, by every program and level, and with threads.

use crate::case::{Case, Extent, Verdict};

/// Some of the data can be packed and some can't. The sample has 8 MB through every program and
/// level; the long run over a gigabyte.
macro_rules! round_trips {
    ($loops:literal) => {
        concat!(
            "random $((3000000 * SCALE)) archives > data\n",
            "tar -C /usr/bin -cf - . 2>/dev/null | head -c $((5000000 * SCALE)) >> data || true\n",
            "before=$(sha256sum < data)\n",
            "back() { local after; after=$(\"$@\" | sha256sum); [ \"$before\" = \"$after\" ] || { echo \"$* gives $after\"; exit 1; }; }\n",
            $loops
        )
    };
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "archives-round-trips",
            claim: "gzip, bzip2, xz and zstd give back what they were given",
            packages: &["xz-utils", "zstd", "bzip2", "openssl"],
            script: round_trips!(
                "for level in 1 6; do gzip -$level -k -f data; back gzip -dc data.gz; rm data.gz; done
for level in 1 9; do bzip2 -$level -k -f data; back bzip2 -dc data.bz2; rm data.bz2; done
for level in 0 2; do xz -T$CPUS -$level -k -f data; back xz -dc data.xz; xz -t data.xz; rm data.xz; done
for level in 1 9; do zstd -q -T$CPUS -$level -f data; back zstd -qdc data.zst; rm data.zst; done
for window in 25 27; do zstd -q --long=$window -3 -f data; back zstd -qdc --long=$window data.zst; rm data.zst; done"
            ),
            minutes: 15,
            ..Case::USUAL
        },
        Case {
            name: "archives-bytes",
            claim: "what gzip, bzip2, xz and zstd write and read is what they do under the peer",
            packages: &["xz-utils", "zstd", "bzip2", "openssl", "python3"],
            script: concat!(
                "random 200000 bytes > data; tar -C /usr/bin -cf - . 2>/dev/null | head -c 1500000 >> data || true\n",
                "xz -6 -k data; bzip2 -9 -k data; zstd -q -19 -k data; gzip -9 -n -k data"
            ),
            verdict: Verdict::AsPeer(&[
                "/usr/bin/xz -6 -T1 -k -f data",
                "/usr/bin/xz -t data.xz",
                "/usr/bin/bzip2 -tv data.bz2",
                "/usr/bin/zstd -t -q data.zst",
                "/usr/bin/gzip -tv data.gz",
                "/usr/bin/sha256sum data data.xz data.bz2 data.zst data.gz",
            ]),
            extent: Extent::Everywhere,
            ..Case::USUAL
        },
        Case {
            name: "archives-strongest",
            claim: "the strongest levels, which use most memory, give back what they were given",
            packages: &["xz-utils", "zstd", "bzip2", "openssl"],
            script: "random 1000000 strongest > data; tar -C /usr/bin -cf - . 2>/dev/null | head -c 20000000 >> data || true
before=$(sha256sum < data)
xz -9e -k data; [ \"$before\" = \"$(xz -dc data.xz | sha256sum)\" ]
zstd -q --ultra -22 -k data; [ \"$before\" = \"$(zstd -qdc data.zst | sha256sum)\" ]
gzip -9 -k data; [ \"$before\" = \"$(gzip -dc data.gz | sha256sum)\" ]",
            extent: Extent::Long,
            minutes: 20,
            ..Case::USUAL
        },
    ]
}
