// Layer normalisation of every position.
//
//   y = (x − mean) / √(var + eps) · w + b, biased variance
//
// shapes  [batch, time, dim] -> the same; weight, bias [dim]
// source  torch.nn.LayerNorm; parity: transformer

#include "op-table.h"

namespace lvm {
namespace {

struct LayerNorm final : Layer {
  LayerNorm(const Node& node, Builder& b) : eps(node.real("eps")) {
    weight = b.parameter("weight", {node.integer("dim")}, constant(1));
    bias = b.parameter("bias", {node.integer("dim")}, constant(0));
  }
  Tensor forward(const Tensor& x, Pass&) override { return at::layer_norm(x, weight.sizes(), weight, bias, eps); }
  double eps;
  Tensor weight, bias;
};

}  // namespace

Made make_layer_norm(const Node& node, Builder& b) { return std::make_unique<LayerNorm>(node, b); }

}  // namespace lvm
