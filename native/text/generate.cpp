// Greedy and beam search.
//
//   a beam's score is Σ log p(id | ids before); each step keeps the 2K best continuations of K beams. Those of the best K that
//   end join the finished texts with score / length^penalty, and the best K finished texts are kept. The best K continuations
//   that do not end become the next beams. A source is done when it has K finished texts and its best beam, at its current
//   length, is worse than all of them.
//
// source  own, after the behaviour of transformers' generate(); parity: test/text/t5.test.ts

#include "generate.h"

#include "../error.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lvm {
namespace {

constexpr int32_t start = 0, end = 1;
constexpr float never = -1e9F;  // score of a beam that must not be chosen

using Ids = std::vector<int32_t>;

Tensor indices(const std::vector<int64_t>& values) { return torch::tensor(values, torch::kLong); }

void forbid_end(Tensor& scores, int64_t length, const GenerateOptions& o) {
  if (length < o.shortest) scores.select(1, end).fill_(-std::numeric_limits<float>::infinity());
}

std::vector<Generated> greedy(const T5& model, T5Decoding& decoding, int64_t sources, const GenerateOptions& o,
                              const std::function<void()>& proceed) {
  std::vector<Generated> texts(size_t(sources), Generated{{start}, 0});
  auto alive = torch::arange(sources);
  auto last = torch::full({sources}, int64_t(start), torch::kLong);
  for (int64_t length = 1; length < o.longest && alive.numel() > 0; ++length) {
    proceed();
    auto logits = model.step(last, decoding);
    forbid_end(logits, length, o);
    last = logits.argmax(-1);
    std::vector<int64_t> going;
    for (int64_t row = 0; row < last.numel(); ++row) {
      const auto id = last.const_data_ptr<int64_t>()[row];
      texts[size_t(alive.const_data_ptr<int64_t>()[row])].ids.push_back(int32_t(id));
      if (id != end) going.push_back(row);
    }
    if (int64_t(going.size()) == last.numel()) continue;
    const auto kept = indices(going);
    alive = alive.index_select(0, kept), last = last.index_select(0, kept);
    decoding.keep_rows(kept), decoding.keep_sources(kept);
  }
  return texts;
}

// Search of one source.
struct Beams {
  std::vector<Ids> running;
  std::vector<float> scores;
  std::vector<Generated> finished;  // best first
};

float penalised(float score, int64_t length, double penalty) { return score / float(std::pow(double(length), penalty)); }

// The continuations of one source, best first. Shapes: scores, ids [2K]
struct Continuations {
  const float* scores;
  const int64_t* ids;  // beam · tokens + id
  int64_t tokens;
};

// Takes one step; `from` receives the beam that each new beam continues. Returns whether the source goes on.
bool advance(Beams& beams, const Continuations& next, int64_t length, const GenerateOptions& o, std::vector<int64_t>& from) {
  std::vector<Ids> running;
  std::vector<float> scores;
  const auto made = length + 1;
  from.clear();
  for (int64_t i = 0; i < 2 * o.beams; ++i) {
    const auto beam = next.ids[i] / next.tokens, id = next.ids[i] % next.tokens;
    const auto ends = id == end || made == o.longest;
    if ((ends && i >= o.beams) || (!ends && int64_t(running.size()) == o.beams)) continue;
    auto ids = beams.running[size_t(beam)];
    ids.push_back(int32_t(id));
    if (ends) beams.finished.push_back({std::move(ids), penalised(next.scores[i], length, o.length_penalty)});
    else running.push_back(std::move(ids)), scores.push_back(next.scores[i]), from.push_back(beam);
  }
  auto& finished = beams.finished;
  std::stable_sort(finished.begin(), finished.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  finished.resize(std::min(finished.size(), size_t(o.beams)));
  beams.running = std::move(running), beams.scores = std::move(scores);
  if (made == o.longest) return false;
  return int64_t(finished.size()) < o.beams || penalised(beams.scores[0], length, o.length_penalty) > finished.back().score;
}

struct BeamSearch {
  const T5& model;
  T5Decoding& decoding;
  const GenerateOptions& o;
  std::vector<Beams> all;
  std::vector<int64_t> alive;  // sources that go on

  // Scores and ids of the 2K best continuations. Shapes: -> [alive, 2K]
  std::tuple<Tensor, Tensor, int64_t> continuations(int64_t length) {
    std::vector<int64_t> last;
    std::vector<float> before;
    for (const auto source : alive) {
      for (const auto& ids : all[size_t(source)].running) last.push_back(ids.back());
      before.insert(before.end(), all[size_t(source)].scores.begin(), all[size_t(source)].scores.end());
    }
    auto scores = model.step(indices(last), decoding).log_softmax(-1);
    forbid_end(scores, length, o);
    const auto tokens = scores.size(1);
    scores = (scores + torch::tensor(before).unsqueeze(1)).view({int64_t(alive.size()), -1});
    const auto [best, ids] = scores.topk(2 * o.beams);
    return {best.contiguous(), ids.contiguous(), tokens};
  }

  void step(int64_t length) {
    const auto [scores, ids, tokens] = continuations(length);
    std::vector<int64_t> kept, rows, from;
    for (size_t i = 0; i < alive.size(); ++i) {
      const auto at = int64_t(i) * 2 * o.beams;
      const Continuations next{scores.const_data_ptr<float>() + at, ids.const_data_ptr<int64_t>() + at, tokens};
      if (!advance(all[size_t(alive[i])], next, length, o, from)) continue;
      kept.push_back(int64_t(i));
      for (const auto beam : from) rows.push_back(int64_t(i) * o.beams + beam);
    }
    decoding.keep_rows(indices(rows));
    if (kept.size() == alive.size()) return;
    decoding.keep_sources(indices(kept));
    for (auto& i : kept) i = alive[size_t(i)];
    alive = std::move(kept);
  }
};

}  // namespace

std::vector<Generated> generate(const T5& model, const Tensor& encoded, const Tensor& mask, const GenerateOptions& o,
                                const std::function<void()>& proceed) {
  const torch::InferenceMode inference;
  const auto sources = encoded.size(0);
  auto decoding = model.begin(encoded, mask);
  if (o.beams == 1) return greedy(model, decoding, sources, o, proceed);
  const auto k = size_t(o.beams);
  Beams fresh{std::vector<Ids>(k, {start}), std::vector<float>(k, never), {}};
  fresh.scores[0] = 0;  // equal beams would choose the same ids
  BeamSearch search{model, decoding, o, std::vector<Beams>(size_t(sources), fresh), {}};
  for (int64_t i = 0; i < sources; ++i) search.alive.push_back(i);
  for (int64_t length = 1; length < o.longest && !search.alive.empty(); ++length) {
    proceed();
    search.step(length);
  }
  std::vector<Generated> texts;
  for (auto& beams : search.all)
    texts.insert(texts.end(), beams.finished.begin(), beams.finished.begin() + int64_t(std::min(k, size_t(o.returned))));
  return texts;
}

}  // namespace lvm
