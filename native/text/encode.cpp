#include "encode.h"

#include <numeric>

namespace lvm {

Tensor encode_texts(Model& model, const Tensor& ids, const std::vector<int64_t>& lengths, int64_t skip) {
  torch::InferenceMode inference;
  if (!model.reads_texts) throw Error("BAD_ARGUMENT", "encode: expected a model of texts but received a predictor");
  const auto total = std::accumulate(lengths.begin(), lengths.end(), int64_t(0));
  if (std::any_of(lengths.begin(), lengths.end(), [](int64_t n) { return n < 1; }) || total != ids.size(0))
    throw Error("BAD_ARGUMENT", "encode: expected texts of at least one token whose lengths add up to " +
                                  std::to_string(ids.size(0)) + " but received a sum of " + std::to_string(total));
  if (lengths.empty()) return torch::empty({0, model.dim});
  Texts texts(lengths);
  texts.skip = skip;
  Pass pass;
  pass.texts = &texts;
  return model.forward(ids, pass).to(torch::kFloat32);
}

}  // namespace lvm
