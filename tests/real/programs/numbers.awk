BEGIN {
    seed = 42
    for (i = 1; i <= 20000; i++) {
        seed = (seed * 16807) % 2147483647
        v[i] = seed; total += seed / 3; h[seed % 97]++
    }
    printf "%.6f %d %d\n", total, seed, h[13]
    n = asort(v, s); printf "%d %d %d\n", s[1], s[n / 2], s[n]
    for (i = 0; i < 20; i++) printf "%s ", sprintf("%.15g|%5.2e|%x|%o", sqrt(i) * exp(i / 3), sin(i) + cos(i), i * 12345, i)
    print ""
    printf "%d %d %d %d\n", and(0xf0f0, 0xff00), or(1, 6), xor(5, 3), lshift(1, 50)
    text = "the quick brown fox jumps over the lazy dog"
    print gensub(/([a-z])([a-z]*)/, "\\2\\1ay", "g", text), toupper(substr(text, 5, 5)), index(text, "fox"), length(text)
    print split(text, w, /[ o]+/), w[3], match(text, /j.*s/), RSTART, RLENGTH
    print 1e300 * 1e10, -log(0), 2 ** 0.5, int(-3.9), 7 % -3, strtonum("0x1F")
    print atan2(-0, -1), atan2(1, 2), exp(1), log(10)
}
