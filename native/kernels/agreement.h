#pragma once
#include "multiply.h"

namespace lvm {

// Rounding error that a kernel may make.
struct Rounding {
  double step = 0;      // quantisation step of inputs, relative to the largest magnitude of their row
  double relative = 0;  // rounding of factors and results, relative to the sum of magnitudes
};

// Returns the largest error of a packed product, as a multiple of the error that its rounding allows; at most 1 for a correct
// kernel. Input rows: ones, minus ones, alternating signs, the signs of a weight row, random numbers, random numbers with an
// outlier; alone and in batches. Compares all outputs, or only the first and last few hundred.
// Shapes: values and scales as in packed-weights.h
enum class Outputs { all, ends };
double disagreement(const Packed& packed, Rounding rounding, const Tensor& values, const Tensor& scales, Outputs outputs);

// Returns weights that drive every sum of products to its extremes: all largest positive, all largest negative, alternating,
// random.
// Shapes: -> values and scales as in packed-weights.h, of that dtype
std::pair<Tensor, Tensor> extreme_weights(torch::Dtype dtype, int64_t out, int64_t in);

// Compares a library's float32 products with float64 ones, in the forms that training uses; false beyond float32 round-off.
// Source: Higham, Accuracy and Stability of Numerical Algorithms, 2002, §3.1 (the bound holds for any order of the sum)
bool agrees(Multiplier kind);

}  // namespace lvm
