// A linear layer of every position, its weight kept in the shape of a convolution of one tap.
//
//   y = x Wᵀ + b; init U(±1/√in)
//
// shapes  x [batch, time, in] -> [batch, time, out]; weight [out, in, 1], bias [out]
// source  torch.nn.Conv1d with kernel_size = 1; parity: s4

#include "../kernels/multiply.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Pointwise final : Layer {
  Pointwise(const Node& node, Builder& b) {
    const auto in = node.integer("in"), out = node.integer("out");
    const auto draw = uniform(1 / std::sqrt(double(in)));
    weight = b.matrix("weight", {out, in, 1}, draw, Layout::tap);
    bias = b.parameter("bias", {out}, draw);
  }
  Tensor forward(const Tensor& x, Pass&) override { return multiply(x, *weight, bias); }
  Weight weight;
  Tensor bias;
};

}  // namespace

Made make_pointwise(const Node& node, Builder& b) { return std::make_unique<Pointwise>(node, b); }

}  // namespace lvm
