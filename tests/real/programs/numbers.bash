# Arithmetic of 64-bit integers, and what bash does without starting anything.
x=1 h=0
for ((i = 1; i <= 20000; i++)); do
    ((x = x * 6364136223846793005 + 1442695040888963407, h ^= (x >> 33) * i, h = h << 1 | h >> 63 & 1))
done
echo "$x $h"
echo $((7 / 2)) $((-7 / 2)) $((-7 % 3)) $((2 ** 62)) $((1 << 63)) $((-1 >> 1)) $((0x7fffffffffffffff + 1)) $((16#ff)) $((~5 & 0xf)) $((3 > 2 ? 10 : 20))
declare -A seen
for ((i = 0; i < 3000; i++)); do seen[$((i * i % 1009))]=$i; done
echo "${#seen[@]} ${seen[4]} ${seen[100]}"
s=
for ((i = 0; i < 500; i++)); do printf -v piece '%03x' $((i * 2654435761 % 4096)); s+=$piece; done
t=${s//a/}
echo "${#s} ${s:100:20} ${#t}"
[[ abc123def =~ ([a-z]+)([0-9]+) ]] && echo "${BASH_REMATCH[1]}-${BASH_REMATCH[2]}"
printf '%d %x %o %e %.3f %s %q\n' 255 255 255 12345.678 3.14159 text 'a b'
