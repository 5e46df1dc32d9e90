#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// A matrix in the form that a quick kernel wants, instead of numbers.
struct Packed {
  virtual ~Packed() = default;
  // y = x Wᵀ. Shapes: x [n, in] float32, dense -> [n, out], new
  virtual Tensor product(const Tensor& x) const = 0;
};

// How a matrix [out, in] is stored: as it is, the other way round, or as a convolution of one tap [out, in, 1].
enum class Layout { rows, columns, tap };

// What inputs are multiplied with: numbers, or a packed form of them that a quantised run is loaded into.
struct Matrix {
  Tensor value;  // as stored; undefined when it is packed
  std::vector<int64_t> shape;
  Layout layout;
  int64_t first;                                      // of a matrix that multiply_split divides: the rows before the cut
  std::vector<std::shared_ptr<const Packed>> packed;  // in two parts when it is divided

  // Shapes: -> [out, in]
  Tensor matrix() const { return layout == Layout::rows ? value : layout == Layout::columns ? value.t() : value.squeeze(-1); }
};
using Weight = std::shared_ptr<Matrix>;

}  // namespace lvm
