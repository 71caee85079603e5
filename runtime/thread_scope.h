// The number of OpenMP threads that this thread may start, for as long as the scope lives.
#pragma once

namespace edgeopt {

class ThreadScope {
 public:
  explicit ThreadScope(int thread_count);
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int previous_;
};

}  // namespace edgeopt
