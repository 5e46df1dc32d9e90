#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// A matrix in the memory layout of its kernel, for inference.
struct Packed {
  Packed(int64_t out, int64_t in) : out(out), in(in) {}
  virtual ~Packed() = default;
  // y = x Wᵀ + bias. Shapes: x [n, in] float32, dense; bias [out] or undefined -> [n, out], new
  virtual Tensor product(const Tensor& x, const Tensor& bias = {}) const = 0;
  // The same into given memory; the bias may be null. Shapes: x [n, in], bias [out], y [n, out], dense
  virtual void write(const float* x, int64_t n, const float* bias, float* y) const;
  // The matrix [out, in] if this form keeps every bit of it, else undefined.
  virtual Tensor matrix() const { return {}; }
  const int64_t out, in;
};

// Storage of a matrix [out, in]: as it is, transposed, or as a convolution of one tap [out, in, 1].
enum class Layout { rows, columns, tap };

// A weight matrix: either a tensor, or the packed form that a quantised run is loaded into or a model is frozen to.
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
