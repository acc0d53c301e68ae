// Exceptions through frames with destructors, threads with atomics, containers, streams and sorting.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <complex>
#include <future>
#include <iomanip>
#include <iostream>
#include <map>
#include <mutex>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <unordered_map>
#include <vector>

static int live = 0;

struct Guard {
	Guard() { live++; }
	~Guard() { live--; }
};

static int descend(int depth)
{
	Guard guard;
	if (depth == 0)
		throw std::out_of_range("bottom");
	return descend(depth - 1) + 1;
}

int main()
{
	int caught = 0;
	for (int i = 0; i < 500; i++) {
		try {
			descend(i % 50);
		} catch (const std::exception &error) {
			caught += std::string(error.what()) == "bottom";
		}
	}
	std::cout << "caught " << caught << " live " << live << "\n";

	std::mt19937_64 random(14);
	std::vector<uint64_t> numbers(50000);
	std::generate(numbers.begin(), numbers.end(), random);
	std::unordered_map<uint64_t, int> counts;
	std::map<std::string, int> words;
	for (auto number : numbers) {
		counts[number % 1009]++;
		words[std::to_string(number).substr(0, 2)]++;
	}
	std::sort(numbers.begin(), numbers.end());
	std::cout << std::is_sorted(numbers.begin(), numbers.end()) << " " << numbers[25000] << " " << counts[7] << " " << words["42"] << "\n";

	std::atomic<uint64_t> sum{0};
	std::mutex mutex;
	uint64_t guarded = 0;
	std::vector<std::thread> threads;
	for (int t = 0; t < 4; t++)
		threads.emplace_back([&, t] {
			for (int i = 0; i < 20000; i++) {
				sum.fetch_add(i * (t + 1), std::memory_order_relaxed);
				if (i % 8 == 0) {
					std::lock_guard<std::mutex> lock(mutex);
					guarded += i;
				}
			}
		});
	for (auto &thread : threads)
		thread.join();
	std::cout << "sum " << sum << " guarded " << guarded << "\n";
	auto later = std::async(std::launch::async, [] { return descend(3); });
	try {
		later.get();
	} catch (const std::out_of_range &) {
		std::cout << "thrown over a thread\n";
	}

	std::ostringstream out;
	out << std::setprecision(17) << std::complex<double>(1, 2) / std::complex<double>(3, -1) << " " << std::hex << 255 << " " << 1.0 / 3;
	std::cout << out.str() << "\n";
	return 0;
}
