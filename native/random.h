#pragma once
#include <cstdint>

namespace lvm {

// SplitMix64: a pseudo-random number from a seed and a counter.
inline uint64_t mixed(uint64_t seed, uint64_t counter) {
  auto z = seed + (counter + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace lvm
