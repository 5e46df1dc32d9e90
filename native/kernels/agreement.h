#pragma once
#include "multiply.h"

namespace lvm {

// Rounding of a kernel: the only reason why its product may differ from the exact one.
struct Rounding {
  double step = 0;      // grid that inputs are brought to, relative to the largest magnitude of their row
  double relative = 0;  // roundings of factors and results, relative to the sum of magnitudes
};

// The largest error of a packed product, as a multiple of what its rounding allows: at most 1 where the kernel is right. Inputs
// are rows of ones, of minus ones, of both signs, of the signs of a weight, of random numbers and with an outlier, alone and in
// batches. Outputs are all compared, or only the first and last few hundred. Shapes: values and scales as in packed.h
enum class Outputs { all, ends };
double disagreement(const Packed& packed, Rounding rounding, const Tensor& values, const Tensor& scales, Outputs outputs);

// Weights that bring every sum of products to its extremes: the largest of one sign, of the other, of both, at random.
// Shapes: -> values and scales as in packed.h, of that dtype
std::pair<Tensor, Tensor> extreme_weights(torch::Dtype dtype, int64_t out, int64_t in);

// Whether a library's float32 products are within float32 rounding of those in float64, in the forms that training takes.
// Source: Higham, Accuracy and Stability of Numerical Algorithms, 2002, §3.1 (the bound holds for any order of the sum)
bool agrees(Multiplier kind);

}  // namespace lvm
