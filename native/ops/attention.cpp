// Multi-head softmax attention with one packed input projection, as torch.nn.MultiheadAttention names it.
//
//   q, k, v = W_q a + b_q, W_k m + b_k, W_v m + b_v        m = a, or the memory when cross
//   y = W_o concat_heads(dropout(softmax(q kᵀ / √e + causal mask)) v) + b_o
//
// shapes  a, m [batch, time, dim] -> [batch, time, dim]; in_proj_weight [3 dim, dim]
// state   keys and values of all earlier positions
// init    in_proj_weight xavier, out_proj.weight U(±1/√dim), biases 0
// errors  BAD_SPEC when heads does not divide dim
// source  Vaswani et al. 2017, arXiv:1706.03762 eq. 1; parity: transformer

#include "attention.h"

#include "../kernels/multiply.h"
#include "../kernels/softmax-attention.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Attention final : Layer {
  Attention(const Node& node, Builder& b, int64_t inner)
      : dim(node.integer("dim")),
        inner(inner),
        heads(node.integer("heads")),
        cross(node.flag("cross")),
        causal(node.flag("causal")),
        rate(node.real("dropout")),
        slot(b.slot()) {
    if (inner % heads != 0)
      throw Error("BAD_SPEC",
                  "attention: expected heads to divide " + std::to_string(inner) + " but received " + std::to_string(heads));
    in_weight = b.matrix("in_proj_weight", {3 * inner, dim}, xavier(1), Layout::rows, inner);
    in_bias = b.parameter("in_proj_bias", {3 * inner}, constant(0));
    out_weight = b.matrix("out_proj.weight", {dim, inner}, uniform(1 / std::sqrt(double(inner))));
    out_bias = b.parameter("out_proj.bias", {dim}, constant(0));
  }
  bool mixes() const override { return !cross; }  // each position of cross-attention needs only itself and the memory

  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto queries = pass.last_only ? last_position(x) : x;
    Tensor q, k, v;
    if (!cross && queries.size(1) == x.size(1) && in_weight->packed.empty()) {
      const auto all = multiply(x, *in_weight, in_bias).chunk(3, -1);
      q = split(all[0]), k = split(all[1]), v = split(all[2]);
    } else {
      const auto [first, rest] = multiply_split(queries, cross ? pass.memory : x, *in_weight, in_bias);
      const auto both = rest.chunk(2, -1);
      q = split(first), k = split(both[0]), v = split(both[1]);
    }
    if (pass.state) {
      auto& kept = pass.state->slots.at(slot);
      if (!kept.empty()) k = torch::cat({kept[0], k}, 2), v = torch::cat({kept[1], v}, 2);
      kept = {k, v};
    }
    const auto y = softmax_attention(q, k, v, causal, rate, pass).transpose(1, 2).flatten(2);
    return multiply(y, *out_weight, out_bias);
  }

  Tensor split(const Tensor& t) const {
    return t.unflatten(-1, {heads, inner / heads}).transpose(1, 2);
  }  // [batch, heads, time, e]

  int64_t dim, inner, heads;
  bool cross, causal;
  double rate;
  size_t slot;
  Weight in_weight, out_weight;
  Tensor in_bias, out_bias;
};

}  // namespace

Made make_attention_of(int64_t inner, const Node& node, Builder& b) { return std::make_unique<Attention>(node, b, inner); }

Made make_attention(const Node& node, Builder& b) { return make_attention_of(node.integer("dim"), node, b); }

}  // namespace lvm
