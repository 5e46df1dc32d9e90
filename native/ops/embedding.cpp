// A learned vector per token id.
//
//   y = E[id]        init N(0, 1)
//
// shapes  ids, int64 of any shape -> […, dim]; weight [entries, dim]
// errors  BAD_ARGUMENT for an id outside the table
// source  torch.nn.Embedding; parity: BERT, MPNet, T5

#include "op-table.h"

namespace lvm {
namespace {

struct Embedding final : Layer {
  Embedding(const Node& node, Builder& b) {
    weight = b.parameter("weight", {node.integer("entries"), node.integer("dim")}, normal(1));
  }
  Tensor forward(const Tensor& ids, Pass&) override {
    if (ids.scalar_type() != torch::kInt64) throw Error("BAD_SPEC", "embedding: expected token ids but received activations");
    if (ids.numel() > 0) {
      const auto [least, most] = at::aminmax(ids);
      const auto low = least.item<int64_t>(), high = most.item<int64_t>();
      if (low < 0 || high >= weight.size(0))
        throw Error("BAD_ARGUMENT", "encode: expected token ids from 0 to " + std::to_string(weight.size(0) - 1) +
                                      ", the size of this model's vocabulary, but received " +
                                      std::to_string(low < 0 ? low : high));
    }
    return at::embedding(weight, ids);
  }
  Tensor weight;
};

}  // namespace

Made make_embedding(const Node& node, Builder& b) { return std::make_unique<Embedding>(node, b); }

}  // namespace lvm
