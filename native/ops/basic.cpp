// Ops that treat every position alone.
//
//   linear      y = x Wᵀ + b; init default U(±gain/√in) · zeros · normal (std = gain) · xavier (gain) · orthogonal (gain);
//               transposed keeps the weight as [in, out]
//   pointwise   the same with a bias, its weight kept as a convolution of one tap has it: [out, in, 1]
//   layerNorm   y = (x − mean) / √(var + eps) · w + b, biased variance
//   rmsNorm     y = x / √(mean(x²) + eps) · w
//   activation  relu · gelu (erf) · gelu_tanh · silu · glu: a σ(b), of the halves a and b of the channels
//   dropout     y = x · mask / (1 − rate) while training
//
// shapes  [batch, time, in] -> [batch, time, out]
// source  torch.nn.Linear, LayerNorm, GELU; parity: every fixture

#include "dropout.h"
#include "multiply.h"
#include "ops.h"

namespace lvm {
namespace {

Init weight_init(const std::string& kind, double gain, int64_t in) {
  if (kind == "default") return uniform(gain / std::sqrt(double(in)));
  if (kind == "zeros") return constant(0);
  if (kind == "normal") return normal(gain);
  if (kind == "xavier") return xavier(gain);
  if (kind == "orthogonal") return orthogonal(gain);
  throw Error("BAD_SPEC",
              "linear: expected one of default, zeros, normal, xavier, orthogonal for \"init\" but received \"" + kind + "\"");
}

struct Linear final : Layer {
  Linear(const Node& node, Builder& b) {
    const auto in = node.integer("in"), out = node.integer("out");
    const auto& init = node.text("init");
    const auto draw = weight_init(init, node.real("gain"), in);
    weight = node.flag("transposed") ? b.matrix("weight", {in, out}, draw, Layout::columns) : b.matrix("weight", {out, in}, draw);
    if (node.flag("bias"))
      bias = b.parameter("bias", {out}, init == "default" ? uniform(1 / std::sqrt(double(in))) : constant(0));
  }
  Tensor forward(const Tensor& x, Pass&) override { return multiply(x, *weight, bias); }
  Weight weight;
  Tensor bias;
};

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

struct LayerNorm final : Layer {
  LayerNorm(const Node& node, Builder& b) : eps(node.real("eps")) {
    weight = b.parameter("weight", {node.integer("dim")}, constant(1));
    bias = b.parameter("bias", {node.integer("dim")}, constant(0));
  }
  Tensor forward(const Tensor& x, Pass&) override { return at::layer_norm(x, weight.sizes(), weight, bias, eps); }
  double eps;
  Tensor weight, bias;
};

struct RmsNorm final : Layer {
  RmsNorm(const Node& node, Builder& b)
      : eps(node.real("eps")), weight(b.parameter("weight", {node.integer("dim")}, constant(1))) {}
  Tensor forward(const Tensor& x, Pass&) override { return rms_norm(x, weight, eps); }
  double eps;
  Tensor weight;
};

struct Activation final : Layer {
  explicit Activation(const std::string& kind) {
    if (kind == "relu") apply = [](const Tensor& x) { return at::relu(x); };
    else if (kind == "gelu") apply = [](const Tensor& x) { return at::gelu(x); };
    else if (kind == "gelu_tanh") apply = [](const Tensor& x) { return at::gelu(x, "tanh"); };
    else if (kind == "silu") apply = [](const Tensor& x) { return at::silu(x); };
    else if (kind == "glu") apply = [](const Tensor& x) { return at::glu(x, -1); };
    else
      throw Error("BAD_SPEC",
                  "activation: expected one of relu, gelu, gelu_tanh, silu, glu for \"kind\" but received \"" + kind + "\"");
  }
  Tensor forward(const Tensor& x, Pass&) override { return apply(x); }
  Tensor (*apply)(const Tensor&);
};

struct Dropout final : Layer {
  explicit Dropout(double rate) : rate(rate) {}
  Tensor forward(const Tensor& x, Pass& pass) override { return dropout(x, rate, pass); }
  double rate;
};

}  // namespace

Made make_linear(const Node& node, Builder& b) { return std::make_unique<Linear>(node, b); }
Made make_pointwise(const Node& node, Builder& b) { return std::make_unique<Pointwise>(node, b); }
Made make_layer_norm(const Node& node, Builder& b) { return std::make_unique<LayerNorm>(node, b); }
Made make_rms_norm(const Node& node, Builder& b) { return std::make_unique<RmsNorm>(node, b); }
Made make_activation(const Node& node, Builder&) { return std::make_unique<Activation>(node.text("kind")); }
Made make_dropout(const Node& node, Builder&) { return std::make_unique<Dropout>(node.real("rate")); }

}  // namespace lvm
