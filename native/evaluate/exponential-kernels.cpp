#include "exponential-kernels.h"

#include "../simd.h"

namespace lvm::exponential {
namespace {

LVM_CLONES void advance_all(double* sum, const float* x, double decay, int64_t rows, int64_t dim) {
  for (int64_t r = 0; r < rows; ++r, x += dim) {
    LVM_INDEPENDENT
    for (int64_t c = 0; c < dim; ++c) sum[c] = decay * sum[c] + double(x[c]);
  }
}

LVM_CLONES void subtract_all(double* sum, const float* x, double weight, int64_t dim) {
  LVM_INDEPENDENT
  for (int64_t c = 0; c < dim; ++c) sum[c] -= weight * double(x[c]);
}

LVM_CLONES double dot_all(const double* a, const double* b, int64_t dim) {
  constexpr int64_t lanes = 32;
  double sums[lanes] = {};
  int64_t c = 0;
  for (; c + lanes <= dim; c += lanes) {
    for (int64_t l = 0; l < lanes; ++l) sums[l] += a[c + l] * b[c + l];
  }
  double sum = 0;
  for (int64_t l = 0; l < lanes; ++l) sum += sums[l];
  for (; c < dim; ++c) sum += a[c] * b[c];
  return sum;
}

}  // namespace

void advance(double* sum, const float* x, double decay, int64_t rows, int64_t dim) { advance_all(sum, x, decay, rows, dim); }
void subtract(double* sum, const float* x, double weight, int64_t dim) { subtract_all(sum, x, weight, dim); }
double dot(const double* a, const double* b, int64_t dim) { return dot_all(a, b, dim); }

}  // namespace lvm::exponential
