// Learned positions of tokens in their texts, added to the input; the first token is at position `first`.
//
//   y_t = x_t + E[first + t]        init N(0, 1)
//
// shapes  [tokens, dim] -> the same; weight [rows, dim]
// errors  BAD_ARGUMENT for a text longer than the table
// source  Devlin et al. 2018, arXiv:1810.04805; parity: BERT (first = 0), MPNet (first = 2)

#include "op-table.h"

namespace lvm {
namespace {

struct AbsolutePositions final : Layer {
  AbsolutePositions(const Node& node, Builder& b) : first(node.integer("first")) {
    weight = b.parameter("weight", {node.integer("rows"), node.integer("dim")}, normal(1));
  }
  Tensor forward(const Tensor& x, Pass& pass) override {
    if (!pass.texts) throw Error("BAD_SPEC", "absolutePositions: expected to be inside a textModel");
    if (first + pass.texts->longest > weight.size(0))
      throw Error("BAD_ARGUMENT", "encode: expected texts of at most " + std::to_string(weight.size(0) - first) +
                                    " tokens, as many positions as this model has learned, but received " +
                                    std::to_string(pass.texts->longest));
    return x + at::embedding(weight, pass.texts->positions + first);
  }
  int64_t first;
  Tensor weight;
};

}  // namespace

Made make_absolute_positions(const Node& node, Builder& b) { return std::make_unique<AbsolutePositions>(node, b); }

}  // namespace lvm
