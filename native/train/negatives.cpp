#include "negatives.h"

#include "../model/predictor-model.h"
#include "../random.h"

#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace lvm {
namespace {

std::vector<int64_t> list_of(const Tensor& t) {
  const auto whole = t.contiguous();
  return {whole.const_data_ptr<int64_t>(), whole.const_data_ptr<int64_t>() + whole.numel()};
}

Tensor tensor_of(const std::vector<int64_t>& values) { return torch::tensor(values, torch::kInt64); }

// Finds each context row among the targets by its values.
std::vector<int64_t> numbers_of(const Samples& samples) {
  if (samples.targets.is_same(samples.vectors)) return {};
  const auto wide = [](const Tensor& t) { return t.to(torch::kFloat32).contiguous(); };
  const auto targets = wide(samples.targets), vectors = wide(samples.vectors);
  const auto bytes = size_t(samples.dim()) * sizeof(float);
  const auto row = [&](const Tensor& table, int64_t i) {
    return std::string_view(reinterpret_cast<const char*>(table.const_data_ptr<float>()) + size_t(i) * bytes, bytes);
  };
  std::unordered_map<std::string_view, int64_t> known;
  for (int64_t i = 0; i < targets.size(0); ++i) known.emplace(row(targets, i), i);
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < vectors.size(0); ++i) {
    const auto found = known.find(row(vectors, i));
    numbers.push_back(found == known.end() ? targets.size(0) + i : found->second);
  }
  return numbers;
}

}  // namespace

NegativeSampler::NegativeSampler(const Samples& samples, const Tensor& ids, int64_t count, uint64_t seed)
    : samples(samples),
      seed(seed),
      rows(list_of(std::get<0>(at::_unique(samples.target.index_select(0, ids))))),
      numbers(numbers_of(samples)),
      count(std::min(count, int64_t(rows.size()))) {}

void NegativeSampler::draw(uint64_t step, torch::Dtype dtype, torch::Device device) {
  const auto all = uint64_t(rows.size()), key = mixed(seed, step);
  std::unordered_set<uint64_t> places;
  for (uint64_t i = 0; int64_t(places.size()) < count; ++i) places.insert(int64_t(all) == count ? i : mixed(key, i) % all);
  drawn.clear();
  for (const auto place : places) drawn.push_back(rows[size_t(place)]);
  std::sort(drawn.begin(), drawn.end());
  drawn_vectors = normalised(samples.targets.index_select(0, tensor_of(drawn)).to(device, dtype));
}

std::vector<NegativeSampler::Output> NegativeSampler::outputs_of(const Reading& reading, bool every) const {
  const auto first = list_of(reading.first), target = list_of(samples.target.index_select(0, reading.windows));
  std::vector<Output> outputs;
  if (every) {
    for (size_t i = 0; i < first.size(); ++i) {
      for (int64_t t = 1; t <= reading.time; ++t)
        outputs.push_back({int64_t(i), first[i], t, t == reading.time ? target[i] : number_of(first[i] + t)});
    }
    return outputs;
  }
  const auto given = reading.context.defined();
  const auto context = given ? list_of(reading.context) : std::vector<int64_t>();
  const auto position = given ? list_of(reading.position) : std::vector<int64_t>();
  for (size_t i = 0; i < target.size(); ++i) {
    const auto c = given ? context[i] : int64_t(i);
    outputs.push_back({c, first[size_t(c)], given ? position[i] + 1 : reading.time, target[i]});
  }
  return outputs;
}

Negatives NegativeSampler::of(const Reading& reading, bool every, const Tensor& targets) const {
  const auto outputs = outputs_of(reading, every);
  std::unordered_map<int64_t, int64_t> columns;  // by number of the row
  std::vector<int64_t> places, further, column_group, query_group;
  std::vector<double> together(size_t(reading.first.size(0)), 0);
  for (size_t i = 0; i < outputs.size(); ++i) {
    query_group.push_back(outputs[i].context);
    if (!columns.emplace(outputs[i].target, int64_t(columns.size())).second) continue;
    places.push_back(int64_t(i));
    column_group.push_back(outputs[i].context);
    together[size_t(outputs[i].context)] += 1;
  }
  for (size_t i = 0; i < drawn.size(); ++i) {
    if (!columns.emplace(drawn[i], int64_t(columns.size())).second) continue;
    further.push_back(int64_t(i));
    column_group.push_back(-1);
  }
  Negatives made;
  made.first.push_back(0);
  // Of M rows, `count` are drawn, and a batch holds U: all that are drawn together with a query, u, and a share of the others.
  std::vector<double> log_q;
  const auto M = double(rows.size()), U = double(places.size());
  for (const auto& output : outputs) {
    const auto exclude = [&](int64_t number) {
      if (const auto found = columns.find(number); found != columns.end()) made.excluded.push_back(found->second);
    };
    for (auto row = output.first; row < output.first + output.length; ++row) exclude(number_of(row));
    exclude(output.target);
    made.first.push_back(int64_t(made.excluded.size()));
    const auto u = together[size_t(output.context)], others = M - u;
    const auto batch = others > 0 ? std::min(1.0, (U - u) / others) : 1.0;
    log_q.push_back(std::log(1 - (1 - double(count) / M) * (1 - batch)));
  }
  const auto device = targets.device();
  made.vectors = torch::cat(
    {targets.index_select(0, tensor_of(places).to(device)), drawn_vectors.index_select(0, tensor_of(further).to(device))});
  made.log_q = torch::tensor(log_q, targets.options()).unsqueeze(1);
  made.query_group = tensor_of(query_group).to(device);
  made.column_group = tensor_of(column_group).to(device);
  return made;
}

}  // namespace lvm
