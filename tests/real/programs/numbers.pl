use strict; use warnings; no warnings 'portable'; use integer;
# Integers and floats as perl computes and prints them, pack formats, regular expressions, sorting, hashes in a fixed order.
my $x = 1;
for my $i (1 .. 2000) { $x = ($x * 6364136223846793005 + $i) & 0x7fffffffffffffff; }
print "lcg $x\n";
no integer;
printf "%.17g %.17g %.17g %e %a\n", 1/3, exp(1), sin(0.5) * 1e10, 1.5e300 * 1e-20, 0.1;
printf "%d %u %x %o %b %s\n", -7 / 2, 18446744073709551615, 255, 255, 255, 2 ** 62;
print join(",", map { sprintf "%.3f", $_ ** 0.5 } 1 .. 20), "\n";
print join(" ", unpack("H*", pack("NnCvVQ>q<d>f<", 1, 2, 3, 4, 5, 6, -7, 8.5, 9.25))), "\n";
my $text = join " ", map { "w$_-" . ($_ * 7919 % 1000) } 1 .. 2000;
my %count; $count{length $1}++ while $text =~ /w(\d+)-/g;
print join(",", map { "$_=$count{$_}" } sort keys %count), "\n";
(my $swapped = $text) =~ s/w(\d+)-(\d+)/$2:$1/g;
my $sum = 0; $sum = ($sum * 33 + ord $_) % 4294967291 for split //, $swapped;
print "sum $sum\n";
my @sorted = sort { $a <=> $b or $a cmp $b } $text =~ /-(\d+)/g;
print "@sorted[0, 500, 1000, -1]\n";
print "sprintf ", join("|", map { sprintf "%5s%-5s%05d%+.2e", $_, $_, $_, $_ } 1, 22, 333), "\n";
my $big = 1; $big *= $_ for 1 .. 25; printf "%.0f\n", $big;
print "int ", int(1e15 / 7), " ", 1e15 % 7, " ", -7 % 3, " ", 7 <=> 7.5, "\n";
