"""Floats and integers as Python computes, prints and hashes them."""
import cmath, decimal, fractions, hashlib, json, math, random, struct, zlib

rng = random.Random(14)
digest = hashlib.sha256()


def note(*what):
    digest.update(repr(what).encode())


for i in range(3000):
    a, b = rng.uniform(-1e3, 1e3), rng.gauss(0, 1e-3)
    note(a + b, a * b, a / b, a // b, a % b, divmod(a, b), round(a, 3), a.hex(), float.fromhex(b.hex()))
    note(math.frexp(a), math.modf(b), math.fsum([a, b, -a]), math.hypot(a, b), math.copysign(a, b), math.nextafter(a, b))
    note(math.sqrt(abs(a)), math.floor(a), math.trunc(b * 1e6), a.as_integer_ratio())
    m, n = rng.getrandbits(700), rng.getrandbits(300) | 1
    note(m * n, m // n, m % n, pow(m, 65537, n), math.gcd(m, n), math.isqrt(m), m.bit_count(), hash(m), str(m))
    note(struct.pack("<dfqQhB", a, 1.5, i, i * i, i, i & 255))
print("numbers", digest.hexdigest())
decimal.getcontext().prec = 80
d = decimal.Decimal(1)
for i in range(1, 200):
    d += decimal.Decimal(1) / (decimal.Decimal(i) ** 3)
print(d, decimal.Decimal(2).sqrt(), decimal.Decimal("0.1").ln())
print(sum((fractions.Fraction(1, i) for i in range(1, 60)), fractions.Fraction(0)))
data = json.dumps([[rng.random(), rng.getrandbits(64), str(i)] for i in range(2000)])
print(hashlib.md5(data.encode()).hexdigest(), zlib.crc32(data.encode()), zlib.adler32(data.encode()))
assert json.dumps(json.loads(data)) == data
packed = zlib.compress(data.encode(), 9)
print(len(packed), hashlib.blake2b(packed).hexdigest()[:32], zlib.decompress(packed) == data.encode())
print(["%.17g" % f(0.7) for f in (math.sin, math.cos, math.tan, math.exp, math.log, math.atan, math.sinh, math.gamma, math.erf)])
print(cmath.sqrt(-2 + 3j), complex(1, 2) ** 3, (1 + 2j) / (3 - 4j))
