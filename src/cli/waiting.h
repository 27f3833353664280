// How threads wait for each other.
#pragma once

namespace tenon::cli {

// Threads meet at the end of every layer. GNU's OpenMP has those that come early spin for
// milliseconds before they sleep; where another program has taken the processor of the one that
// everybody waits for, the spinning threads keep it away, and a layer takes ten milliseconds
// instead of a tenth of one. A short spin costs 1 or 2 % on an idle machine and nothing like that
// on a busy one. The library reads the setting before main() begins, so a command that will compute
// starts the program again with it, once. What the user has set stays.
void wait_briefly(char** argv);

}  // namespace tenon::cli
