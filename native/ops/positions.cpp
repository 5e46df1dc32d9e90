// Learned positions, added to the input.
//
//   y_t = x_t + E[t]        init N(0, std)
//
// shapes  [batch, time, dim] -> [batch, time, dim]; weight [rows, dim]
// errors  BAD_ARGUMENT when a context is longer than the table
// source  parity: distilgpt2, linformer

#include "op-table.h"

namespace lvm {
namespace {

struct Positions final : Layer {
  Positions(const Node& node, Builder& b) {
    weight = b.parameter("weight", {node.integer("rows"), node.integer("dim")}, normal(node.real("std")));
  }
  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto first = pass.state ? pass.state->position : 0;
    if (first + x.size(1) > weight.size(0)) {
      const auto needed = std::to_string(first + x.size(1));
      throw Error("BAD_ARGUMENT", "predict: expected at most " + std::to_string(weight.size(0)) +
                                    " positions, as many as this model has learned, but received " + needed +
                                    "; train one with \"positions\" " + needed);
    }
    return x + weight.narrow(0, first, x.size(1));
  }
  Tensor weight;
};

}  // namespace

Made make_positions(const Node& node, Builder& b) { return std::make_unique<Positions>(node, b); }

}  // namespace lvm
