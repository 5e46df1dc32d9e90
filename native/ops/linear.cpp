// A linear layer of every position.
//
//   y = x Wᵀ + b; init default U(±gain/√in) · zeros · normal (std = gain) · xavier (gain) · orthogonal (gain);
//   transposed keeps the weight as [in, out]
//
// shapes  x [batch, time, in] -> [batch, time, out]; weight [out, in] or [in, out], bias [out]
// errors  BAD_SPEC on an unknown init
// source  torch.nn.Linear; parity: every fixture

#include "../kernels/multiply.h"
#include "op-table.h"

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

}  // namespace

Made make_linear(const Node& node, Builder& b) { return std::make_unique<Linear>(node, b); }

}  // namespace lvm
