-- Integers, floats, strings, tables, closures, coroutines.
local x, f = 1, 0.5
for i = 1, 100000 do x = x * 6364136223846793005 + i; f = f * 3.9 * (1 - f) end
print(x, string.format("%.17g", f))
print(7 // 2, -7 // 2, -7 % 3, 7.5 // 2, -7.5 % 2, 1 << 62, 1 << 64, ~5, 3 & 5, 3 | 5, 3 ~ 5, math.mininteger, math.maxinteger + 1 == math.mininteger)
print(math.sin(1), math.exp(1), math.sqrt(2), 2 ^ 0.5, 10 / 3, 1e300 * 1e10, -(0 / 0) ~= 0 / 0, math.tointeger(3.0), 3 | 0)
local t = {}
for i = 1, 5000 do t[i] = (i * 7919) % 5003 end
table.sort(t); print(t[1], t[2500], t[5000])
table.sort(t, function(a, b) return a > b end); print(table.concat(t, ",", 1, 10))
local sum = 0
for word in ("the quick brown fox jumps over the lazy dog"):rep(100, " "):gmatch("%a+") do sum = (sum * 31 + #word * word:byte()) % 1000000007 end
print(sum, ("hello world"):gsub("o", "0"), ("x"):rep(3, "-"), ("%5.2f|%-5d|%x|%q"):format(3.14159, 42, 255, "a\nb"))
local co = coroutine.wrap(function(a) while true do a = coroutine.yield(a * 2) end end)
local total = 0
for i = 1, 1000 do total = total + co(i) end
print(total, pcall(error, "told"), select("#", nil, nil), string.pack("<i4d", 7, 1.5):byte(1, -1))
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(20), #tostring(print) > 0, utf8.char(228, 8364, 128512), utf8.len("äö"))
