// Normalisation of every position by its root mean square.
//
//   y = x / √(mean(x²) + eps) · w
//
// shapes  [batch, time, dim] -> the same; weight [dim]
// source  Zhang & Sennrich 2019, arXiv:1910.07467; parity: mamba2, retnet

#include "../kernels/root-mean-square.h"
#include "op-table.h"

namespace lvm {
namespace {

struct RmsNorm final : Layer {
  RmsNorm(const Node& node, Builder& b)
      : eps(node.real("eps")), weight(b.parameter("weight", {node.integer("dim")}, constant(1))) {}
  Tensor forward(const Tensor& x, Pass&) override { return rms_norm(x, weight, eps); }
  double eps;
  Tensor weight;
};

}  // namespace

Made make_rms_norm(const Node& node, Builder& b) { return std::make_unique<RmsNorm>(node, b); }

}  // namespace lvm
