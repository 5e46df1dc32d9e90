#pragma once
#include <cstdint>

// The loops of retrieve() that every similarity passes through, for the best instruction set of this processor.
namespace lvm::retrieval {

// A stored vector, whatever it is stored in.
struct Row {
  const float* wide;     // float32, or null
  const uint16_t* half;  // float16, or null
};

// In float64 and in one order everywhere, so that equal vectors give equal bits.
double dot(const float* a, Row b, int64_t n);
double dot(Row a, Row b, int64_t n);

// a · scale, rounded to float32.
void scaled(Row a, double scale, float* out, int64_t n);

// What a float32 cosine says about a row: surely ahead of the target above `high`, open between `low` and `high`, and perhaps
// one of the nearest from `near` on.
struct Limits {
  float low, high, near;
};

// Adds the rows that are surely ahead to `ahead`; whether any needs a closer look.
bool examine(const float* cosines, int64_t n, Limits limits, int64_t& ahead);

}  // namespace lvm::retrieval
