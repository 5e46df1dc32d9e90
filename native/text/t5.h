#pragma once
#include "../graph/weight.h"

#include <map>
#include <string>
#include <vector>

namespace lvm {

// Settings that the weights do not show.
struct T5Settings {
  int64_t max_distance;  // positions further apart share one bias
  double eps;
  double logit_scale;  // width^-1/2 if the head shares its weights with the embedding, else 1
};

struct T5Attention {
  Weight q, k, v, o;
  int64_t heads;
};
struct T5Block {
  Tensor norm, cross_norm, wide_norm;
  T5Attention attention, cross;  // cross in the decoder only
  Weight wide, gate, narrow;     // with a gate: narrow(gelu(wide x) ⊙ gate x), else narrow(relu(wide x))
};
struct T5Stack {
  std::vector<T5Block> blocks;
  Tensor bias, norm;  // bias [buckets, heads], of every block
};

// State of a decoder between steps. A row is one text in progress; each source has the same number of rows, its beams.
struct T5Decoding {
  struct Layer {
    Tensor keys, values;                // [rows, heads, position, e]
    Tensor source_keys, source_values;  // [sources, heads, time, e]
  };
  std::vector<Layer> layers;
  Tensor hidden;  // added to cross-attention scores [sources, 1, 1, time]
  int64_t position = 0;

  void keep_rows(const Tensor& rows);
  void keep_sources(const Tensor& sources);
};

// T5, its encoder with or without a decoder. Weights have the names of transformers' T5; every alias of the embedding is
// "shared.weight", and an own head is "lm_head.weight".
//
//   h += o(softmax(q kᵀ + bias[bucket(key − query)]) v) of norm(h), without scaling; the decoder adds the same over the encoder's
//   output without bias; h += FFN(norm(h)); norm(h) = h / √(mean(h²) + eps) · w; logits = scale · norm(h) · headᵀ
//
// source  Raffel et al. 2020, arXiv:1910.10683; parity: test/text/t5.test.ts
// errors  BAD_CHECKPOINT for a missing weight or another shape
class T5 {
 public:
  T5(const T5Settings& settings, const std::map<std::string, Tensor>& weights);

  // Shapes: x [batch, time, width], mask [batch, time] of 0 and 1 -> [batch, time, width]
  Tensor encode(const Tensor& x, const Tensor& mask) const;
  // Starts texts about encoded sources, with `beams` rows each.
  T5Decoding begin(const Tensor& encoded, const Tensor& mask) const;
  // Shapes: ids [rows] -> logits [rows, tokens]
  Tensor step(const Tensor& ids, T5Decoding& decoding) const;
  int64_t bytes() const { return held; }

 private:
  T5Stack stack(const std::map<std::string, Tensor>& weights, const std::string& name, bool cross);
  Tensor bias(const T5Stack& stack, int64_t first, int64_t queries, int64_t keys, bool both_ways) const;

  T5Settings settings;
  int64_t width = 0, held = 0;
  T5Stack encoder, decoder;
  Tensor embedding;
  Weight head;
};

}  // namespace lvm
