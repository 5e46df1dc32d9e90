#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// A quantised matrix, in the memory layout of its kernel.
struct Packed {
  virtual ~Packed() = default;
  // y = x Wᵀ. Shapes: x [n, in] float32, dense -> [n, out], new
  virtual Tensor product(const Tensor& x) const = 0;
};

// Storage of a matrix [out, in]: as it is, transposed, or as a convolution of one tap [out, in, 1].
enum class Layout { rows, columns, tap };

// A weight matrix: either a tensor, or the packed form that a quantised run is loaded into.
struct Matrix {
  Tensor value;  // as stored; undefined if packed
  std::vector<int64_t> shape;
  Layout layout;
  int64_t first;                                      // rows before the cut of multiply_split; 0 for none
  std::vector<std::shared_ptr<const Packed>> packed;  // two parts if multiply_split divides it

  // Shapes: -> [out, in]
  Tensor matrix() const { return layout == Layout::rows ? value : layout == Layout::columns ? value.t() : value.squeeze(-1); }
};
using Weight = std::shared_ptr<Matrix>;

}  // namespace lvm
