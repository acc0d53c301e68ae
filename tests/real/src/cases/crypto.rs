//! openssl: its vector code against its plain C, known answers, and every kind of key.

use crate::case::{Case, Extent, Verdict};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "openssl-digests",
            claim: "digests by vector crypto instructions are those of the portable code, and of the peer",
            packages: &["openssl"],
            script: r#"
random $((300000 * SCALE + 7)) digests > data
for digest in md5 sha1 sha224 sha256 sha384 sha512 sha512-256 sha3-256 sha3-512 shake256 blake2b512 blake2s256 sm3 ripemd160; do
    # 0: no AltiVec, no VSX, no crypto instructions (crypto/ppccap.c).
    fast=$(openssl dgst -$digest -r data) plain=$(OPENSSL_ppccap=0 openssl dgst -$digest -r data)
    [ "$fast" = "$plain" ] || { echo "$digest: $fast but $plain"; exit 1; }
done
"#,
            verdict: Verdict::AsPeer(&[
                "/usr/bin/openssl dgst -sha256 -r data",
                "/usr/bin/openssl dgst -sha512 -r data",
                "/usr/bin/openssl dgst -sha3-512 -r data",
                "/usr/bin/openssl dgst -sm3 -r data",
            ]),
            extent: Extent::Everywhere,
            ..Case::USUAL
        },
        Case {
            name: "openssl-ciphers",
            claim: "ciphers by vector crypto instructions write what the portable code writes, and back",
            packages: &["openssl"],
            script: r#"
random $((200000 * SCALE + 11)) ciphers > data
for cipher in aes-128-cbc aes-192-ctr aes-256-cbc aes-256-ctr aes-256-cfb aes-128-ofb aes-256-ecb camellia-256-cbc chacha20 aria-256-ctr sm4-cbc; do
    options="-$cipher -K 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f -iv 0f0e0d0c0b0a09080706050403020100"
    case $cipher in
        *-128-* | sm4-*) options=${options/101112131415161718191a1b1c1d1e1f/} ;;
        *-192-*) options=${options/18191a1b1c1d1e1f/} ;;
    esac
    case $cipher in *-ecb) options=${options% -iv *} ;; esac
    openssl enc $options -in data -out fast
    OPENSSL_ppccap=0 openssl enc $options -in data -out plain
    cmp fast plain
    openssl enc -d $options -in plain | cmp - data
    cp fast "$cipher.out"
done
"#,
            verdict: Verdict::AsPeer(&[
                "/usr/bin/openssl enc -d -aes-128-cbc -K 000102030405060708090a0b0c0d0e0f -iv 0f0e0d0c0b0a09080706050403020100 -in aes-128-cbc.out -out /dev/null",
                "/usr/bin/openssl dgst -sha256 -r aes-256-ctr.out chacha20.out aes-256-cfb.out",
            ]),
            ..Case::USUAL
        },
        Case {
            name: "openssl-keys",
            claim: "what is signed with RSA, ECDSA, Ed25519, Ed448 and DSA verifies, by both kinds of code",
            packages: &["openssl"],
            script: r#"
random 5000 keys > data
tries="RSA:rsa_keygen_bits:2048 EC:ec_paramgen_curve:P-256 EC:ec_paramgen_curve:P-384 EC:ec_paramgen_curve:P-521 EC:ec_paramgen_curve:secp256k1"
for try in $tries; do
    IFS=: read -r kind option value <<< "$try"
    openssl genpkey -algorithm "$kind" -pkeyopt "$option:$value" -out key 2>/dev/null
    openssl pkey -in key -pubout -out public
    for round in $(seq $((2 * SCALE))); do
        openssl dgst -sha256 -sign key -out signature data
        OPENSSL_ppccap=0 openssl dgst -sha256 -verify public -signature signature data > said
        OPENSSL_ppccap=0 openssl dgst -sha256 -sign key -out signature data
        openssl dgst -sha256 -verify public -signature signature data > said
    done
    if openssl dgst -sha256 -verify public -signature signature key > said; then echo "a wrong signature verifies"; exit 1; fi
done
for kind in ED25519 ED448; do
    openssl genpkey -algorithm $kind -out key
    openssl pkeyutl -sign -inkey key -rawin -in data -out signature
    openssl pkeyutl -verify -inkey key -rawin -in data -sigfile signature > said
done
for kind in X25519 X448; do
    for who in a b; do openssl genpkey -algorithm $kind -out $who; openssl pkey -in $who -pubout -out $who.pub; done
    openssl pkeyutl -derive -inkey a -peerkey b.pub -out ab
    openssl pkeyutl -derive -inkey b -peerkey a.pub -out ba
    cmp ab ba
done
openssl prime -generate -bits 256 > prime
openssl prime "$(cat prime)" | grep -q 'is prime'
"#,
            ..Case::USUAL
        },
        Case {
            name: "openssl-speed",
            claim: "openssl's own measurement runs through every algorithm that it names",
            packages: &["openssl"],
            // It exits with 0 when an algorithm fails in the middle: what it says of errors is
            // looked for.
            script: r#"
openssl speed -seconds 1 -bytes 1024 sha1 sha256 sha512 > speed.log 2>&1
for cipher in aes-128-gcm aes-256-gcm aes-256-ctr aes-128-cbc chacha20-poly1305; do
    openssl speed -seconds 1 -bytes 16384 -evp $cipher >> speed.log 2>&1
done
openssl speed -seconds 1 rsa2048 ecdsap256 ed25519 ecdhx25519 >> speed.log 2>&1
if grep -v '^compiler:' speed.log | grep -iE 'error|fail|mismatch'; then exit 1; fi
grep -c 'Doing' speed.log > /dev/null
"#,
            extent: Extent::Long,
            ..Case::USUAL
        },
    ]
}
