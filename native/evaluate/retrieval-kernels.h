#pragma once
#include <cstdint>

// Inner loops of retrieve(), compiled for several instruction sets.
namespace lvm::retrieval {

// A stored vector: exactly one pointer is set.
struct Row {
  const float* wide;     // float32
  const uint16_t* half;  // float16
};

// In float64 and in a fixed order, so that equal vectors give equal bits.
double dot(const float* a, Row b, int64_t n);
double dot(Row a, Row b, int64_t n);

// a · scale, rounded to float32.
void scaled(Row a, double scale, float* out, int64_t n);

// Products in float32 of up to few_queries vectors with `count` rows that follow each other from `row` on; each is read once.
// Shapes: x [n, dim] -> out [n, count], its rows `stride` apart
constexpr int64_t few_queries = 4;
void few_products(const float* x, int64_t n, Row row, int64_t count, int64_t dim, float* out, int64_t stride);

// x · scale, element by element.
void multiply(float* x, const float* scale, int64_t n);

// Adds y · scale to x, element by element.
void add_scaled(float* x, const float* y, float scale, int64_t n);

// Thresholds for a float32 cosine: above `high` the row is certainly ahead of the target, from `low` to `high` that is open; from
// `near` on it may be one of the nearest.
struct Limits {
  float low, high, near;
};

// Adds the number of rows certainly ahead to `ahead`. Returns whether any row must be computed in float64.
bool examine(const float* cosines, int64_t n, Limits limits, int64_t& ahead);

}  // namespace lvm::retrieval
