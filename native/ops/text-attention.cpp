// Multi-head softmax attention of the tokens of each text to one another; its projections are the four ops inside.
//
//   q, k, v = f₁(x), f₂(x), f₃(x), by heads      y = f₄(concat_heads(softmax(q kᵀ · s + bias) v))
//   s = 1 / √e if scaled, else 1; bias: that of a relativeBias around it, if any
//
// shapes  [tokens, d] of several texts -> [tokens, d']
// errors  BAD_SPEC without four ops inside, or when heads does not divide their channels
// source  Vaswani et al. 2017, arXiv:1706.03762 eq. 1; parity: BERT, MPNet, T5

#include "../kernels/ragged-attention.h"
#include "op-table.h"

namespace lvm {
namespace {

struct TextAttention final : Layer {
  TextAttention(const Node& node, Builder& b) : heads(node.integer("heads")), scaled(node.flag("scaled")) {
    if (node.of.size() != 4)
      throw Error("BAD_SPEC", "textAttention: expected projections to queries, keys, values and the output but received " +
                                std::to_string(node.of.size()) + " ops");
    projections = b.build_all(node.of);
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    if (!pass.texts) throw Error("BAD_SPEC", "textAttention: expected to be inside a textModel");
    const auto q = (*projections[0])(x, pass), k = (*projections[1])(x, pass), v = (*projections[2])(x, pass);
    if (q.size(-1) % heads != 0)
      throw Error("BAD_SPEC", "textAttention: expected channels that " + std::to_string(heads) + " heads divide but received " +
                                std::to_string(q.size(-1)));
    const auto scale = scaled ? 1 / std::sqrt(double(q.size(-1) / heads)) : 1;
    return (*projections[3])(ragged_attention(q, k, v, heads, scale, *pass.texts, pass.distances), pass);
  }

  int64_t heads;
  bool scaled;
  std::vector<Made> projections;
};

}  // namespace

Made make_text_attention(const Node& node, Builder& b) { return std::make_unique<TextAttention>(node, b); }

}  // namespace lvm
