#pragma once
#include <cstdint>

// Inner loops of exponential_means() and exponential_products(), compiled for several instruction sets.
namespace lvm::exponential {

// sum ← decay · sum + x for each of `rows` rows of x in turn.
void advance(double* sum, const float* x, double decay, int64_t rows, int64_t dim);
// sum ← sum − x · weight.
void subtract(double* sum, const float* x, double weight, int64_t dim);
double dot(const double* a, const double* b, int64_t dim);

}  // namespace lvm::exponential
