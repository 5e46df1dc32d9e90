#pragma once
#include "../kernels/agreement.h"
#include "../torch.h"

#include <chrono>
#include <cmath>

namespace lvm {

using torch::Tensor;

// Cosines closer than this tie: another order of summation changes a float64 sum by less.
constexpr double tie = 1e-14;

// Error bound of the float32 product of two unit vectors rounded to float32, in any order of summation, with a margin.
// Source: Higham, Accuracy and Stability of Numerical Algorithms, 2002, §3.1
inline double error_bound(int64_t dim) {
  const double nu = double(dim + 16) * 0x1p-24;
  return nu / (1 - nu) + 2 * tie;
}

// Products of one shape. The first few measure which library is faster; a library beyond the error bound is not used. Float64
// decides every open case, so the result does not depend on the library.
class Products {
 public:
  Tensor operator()(const Tensor& x, const Tensor& weight) {
    constexpr int trials = 6;
    const auto kind = !onednn ? 0 : done < trials ? done % 2 : int(best[1] < best[0]);
    const auto start = std::chrono::steady_clock::now();
    auto y = product_by(kind == 0 ? Multiplier::aten : Multiplier::onednn, x, weight).contiguous();
    if (done++ < trials) {
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      best[kind] = std::min(best[kind], seconds.count() / double(y.numel()));
    }
    return y;
  }

 private:
  const bool onednn = agrees(Multiplier::onednn);
  int done = 0;
  double best[2] = {INFINITY, INFINITY};  // seconds per element
};

}  // namespace lvm
