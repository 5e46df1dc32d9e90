// An activation function, by element.
//
//   relu · gelu (erf) · gelu_tanh · silu · tanh · sigmoid · glu: a σ(b), of the halves a and b of the channels
//
// shapes  [batch, time, d] -> the same; glu: [batch, time, d / 2]
// errors  BAD_SPEC on an unknown kind
// source  torch.nn.functional; parity: every fixture

#include "../kernels/tanh-gelu.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Activation final : Layer {
  explicit Activation(const std::string& kind) {
    if (kind == "relu") apply = [](const Tensor& x) { return at::relu(x); };
    else if (kind == "gelu") apply = [](const Tensor& x) { return at::gelu(x); };
    else if (kind == "gelu_tanh") apply = tanh_gelu;
    else if (kind == "silu") apply = [](const Tensor& x) { return at::silu(x); };
    else if (kind == "tanh") apply = [](const Tensor& x) { return at::tanh(x); };
    else if (kind == "sigmoid") apply = [](const Tensor& x) { return at::sigmoid(x); };
    else if (kind == "glu") apply = [](const Tensor& x) { return at::glu(x, -1); };
    else
      throw Error(
        "BAD_SPEC",
        "activation: expected one of relu, gelu, gelu_tanh, silu, tanh, sigmoid, glu for \"kind\" but received \"" + kind + "\"");
  }
  Tensor forward(const Tensor& x, Pass&) override { return apply(x); }
  Tensor (*apply)(const Tensor&);
};

}  // namespace

Made make_activation(const Node& node, Builder&) { return std::make_unique<Activation>(node.text("kind")); }

}  // namespace lvm
