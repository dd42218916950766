------------------------------- MODULE Waiting ------------------------------
(***************************************************************************)
(* wait() and as_completed() while futures end.  A caller visits its       *)
(* futures one by one; at each, in one lock hold, it notes that the future *)
(* has ended or installs its waiter.  A future that ends tells the waiters *)
(* installed at that instant, in two steps each: note the future, then     *)
(* open the waiter's gate if it has enough.  Opening a gate twice is       *)
(* opening it once; who passes looks again.  Mirrors                       *)
(* spec/waiting_model.py.                                                  *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Futures,  \* how many futures there are
  Asks,     \* what each caller asks: a return_when of wait(), or "AS_COMPLETED"
  Names,    \* the futures that each caller names, perhaps one of them twice
  Endings   \* how a future may end

ASSUME
  /\ DOMAIN Asks = DOMAIN Names
  /\ Endings \subseteq {"result", "exception", "cancelled"}

VARIABLES
  futures,    \* "pending", or how it ended
  installed,  \* each future's waiters, in order; a waiter has its caller's number
  telling,    \* the waiters that an ended future has yet to tell
  noted,      \* has the first of them noted the future already?
  callers,    \* "out", "installing", "blocked", "removing", "back"
  at,         \* the place of the future that the caller visits next
  told,       \* the futures that each waiter noted, in order
  gates,      \* is the waiter's gate open?
  yielded,    \* how many of them as_completed() has yielded
  why         \* "", "enough", "timeout": why the caller stopped waiting

vars == <<futures, installed, telling, noted, callers, at, told, gates, yielded, why>>

Future == 1..Futures
Caller == DOMAIN Asks

RECURSIVE Once(_)
Once(names) ==  \* each of the names once, in order
  IF names = <<>> THEN <<>> ELSE
    LET Other(name) == name # Head(names)
    IN  <<Head(names)>> \o Once(SelectSeq(Tail(names), Other))

Visits == [c \in Caller |-> Once(Names[c])]

TypeOK ==
  LET Seqs(S) == UNION {[1..n -> S] : n \in 0..Cardinality(S)}
  IN  /\ futures \in [Future -> {"pending"} \union Endings]
      /\ installed \in [Future -> Seqs(Caller)]
      /\ telling \in [Future -> Seqs(Caller)]
      /\ noted \in [Future -> BOOLEAN]
      /\ callers \in [Caller -> {"out", "installing", "blocked", "removing", "back"}]
      /\ at \in [Caller -> 0..Futures]
      /\ told \in [Caller -> Seqs(Future)]
      /\ gates \in [Caller -> BOOLEAN]
      /\ yielded \in [Caller -> 0..Futures]
      /\ why \in [Caller -> {"", "enough", "timeout"}]

-----------------------------------------------------------------------------

ReturnsOn(asks, ending) ==  \* does one such ending let wait() return by itself?
  \/ asks = "FIRST_COMPLETED"
  \/ asks = "FIRST_EXCEPTION" /\ ending = "exception"

MayReturn(asks, unfinished, ended) ==
  unfinished = 0 \/ \E f \in ended : ReturnsOn(asks, futures[f])

Range(seq) == {seq[i] : i \in DOMAIN seq}

Unfinished(c, seen) == Len(Visits[c]) - Len(seen)

Enough(c, seen) ==  \* do the futures that the waiter has seen let its caller go on?
  IF Asks[c] = "AS_COMPLETED" THEN Len(seen) > yielded[c]
  ELSE MayReturn(Asks[c], Unfinished(c, seen), Range(seen))

OpenIf(c, enough) == gates' = [gates EXCEPT ![c] = @ \/ enough]

Visit(c, after) ==  \* on to the next future, or to what comes after the last
  IF at[c] < Len(Visits[c])
  THEN at' = [at EXCEPT ![c] = @ + 1] /\ UNCHANGED callers
  ELSE at' = [at EXCEPT ![c] = 0] /\ callers' = [callers EXCEPT ![c] = after]

Stop(c, reason) ==  \* the caller goes to remove its waiter everywhere
  /\ why' = [why EXCEPT ![c] = reason]
  /\ callers' = [callers EXCEPT ![c] = "removing"]
  /\ at' = [at EXCEPT ![c] = 1]

StopIf(c, done) == IF done THEN Stop(c, "enough") ELSE UNCHANGED <<why, callers, at>>

Init ==
  /\ futures = [f \in Future |-> "pending"]
  /\ installed = [f \in Future |-> <<>>]
  /\ telling = [f \in Future |-> <<>>]
  /\ noted = [f \in Future |-> FALSE]
  /\ callers = [c \in Caller |-> "out"]
  /\ at = [c \in Caller |-> 0]
  /\ told = [c \in Caller |-> <<>>]
  /\ gates = [c \in Caller |-> FALSE]
  /\ yielded = [c \in Caller |-> 0]
  /\ why = [c \in Caller |-> ""]

-----------------------------------------------------------------------------

End(f, ending) ==  \* a thread of an executor, or who cancels
  /\ futures[f] = "pending"
  /\ futures' = [futures EXCEPT ![f] = ending]
  /\ telling' = [telling EXCEPT ![f] = installed[f]]
  /\ UNCHANGED <<installed, noted, callers, at, told, gates, yielded, why>>

Note(f) ==  \* who ended the future
  /\ telling[f] # <<>>
  /\ ~noted[f]
  /\ told' = [told EXCEPT ![Head(telling[f])] = Append(@, f)]
  /\ noted' = [noted EXCEPT ![f] = TRUE]
  /\ UNCHANGED <<futures, installed, telling, callers, at, gates, yielded, why>>

Tell(f) ==  \* who ended the future; on to the next waiter
  LET c == Head(telling[f])
  IN  /\ telling[f] # <<>>
      /\ noted[f]
      /\ OpenIf(c, Enough(c, told[c]))
      /\ telling' = [telling EXCEPT ![f] = Tail(@)]
      /\ noted' = [noted EXCEPT ![f] = FALSE]
      /\ UNCHANGED <<futures, installed, callers, at, told, yielded, why>>

Call(c) ==  \* any thread
  /\ callers[c] = "out"
  /\ callers' = [callers EXCEPT ![c] = "installing"]
  /\ at' = [at EXCEPT ![c] = 1]
  /\ UNCHANGED <<futures, installed, telling, noted, told, gates, yielded, why>>

Install(c) ==  \* the caller, under the lock of the future that it visits
  LET f == Visits[c][at[c]]
      seen == Append(told[c], f)
  IN  /\ callers[c] = "installing"
      /\ IF futures[f] = "pending"
         THEN installed' = [installed EXCEPT ![f] = Append(@, c)] /\ UNCHANGED <<told, gates>>
         ELSE /\ told' = [told EXCEPT ![c] = seen]
              /\ OpenIf(c, Enough(c, seen))
              /\ UNCHANGED installed
      /\ Visit(c, "blocked")
      /\ UNCHANGED <<futures, telling, noted, yielded, why>>

CanYield(c) == Asks[c] = "AS_COMPLETED" /\ Enough(c, told[c])

Pass(c) ==  \* the caller: its gate is open
  /\ callers[c] = "blocked"
  /\ gates[c] /\ ~CanYield(c)
  /\ gates' = [gates EXCEPT ![c] = FALSE]
  /\ StopIf(c, IF Asks[c] = "AS_COMPLETED" THEN yielded[c] = Len(Visits[c])
               ELSE Enough(c, told[c]))
  /\ UNCHANGED <<futures, installed, telling, noted, told, yielded>>

Yield(c) ==  \* the caller of as_completed()
  /\ callers[c] = "blocked"
  /\ CanYield(c)
  /\ yielded' = [yielded EXCEPT ![c] = @ + 1]
  /\ StopIf(c, yielded[c] + 1 = Len(Visits[c]))
  /\ UNCHANGED <<futures, installed, telling, noted, told, gates>>

GiveUp(c) ==  \* timeout, Ctrl-C, or a closed iterator
  /\ callers[c] = "blocked"
  /\ Stop(c, "timeout")
  /\ UNCHANGED <<futures, installed, telling, noted, told, gates, yielded>>

Remove(c) ==  \* the caller, under the lock of the future that it visits
  LET Other(waiter) == waiter # c
  IN  /\ callers[c] = "removing"
      /\ installed' = [installed EXCEPT ![Visits[c][at[c]]] = SelectSeq(@, Other)]
      /\ Visit(c, "back")
      /\ UNCHANGED <<futures, telling, noted, told, gates, yielded, why>>

-----------------------------------------------------------------------------

Telling(f) == Note(f) \/ Tell(f)
Waits(c) == Install(c) \/ Pass(c) \/ Yield(c) \/ Remove(c)

System == (\E f \in Future : Telling(f)) \/ (\E c \in Caller : Waits(c))
Others ==
  \/ \E f \in Future, ending \in Endings : End(f, ending)
  \/ \E c \in Caller : Call(c) \/ GiveUp(c)

Next == System \/ Others

(* Who ended a future tells its waiters; who has called goes on as far as it *)
(* can.  No future is obliged to end, nobody to call, and no time to pass.   *)
Fairness ==
  /\ \A f \in Future : WF_vars(Telling(f))
  /\ \A c \in Caller : WF_vars(Waits(c))

Spec == Init /\ [][Next]_vars /\ Fairness

-----------------------------------------------------------------------------

Ended(c) == {f \in Range(Names[c]) : futures[f] # "pending"}

HasEnough(c) ==  \* whatever the waiter has noted of it
  IF Asks[c] = "AS_COMPLETED" THEN Ended(c) = Range(Names[c])
  ELSE MayReturn(Asks[c], Cardinality(Range(Names[c]) \ Ended(c)), Ended(c))

(* Who stops waiting without a timeout has what was asked for. *)
ReturnsOnlyWhenEnough ==
  \A c \in Caller : why[c] = "enough" =>
    /\ HasEnough(c)
    /\ Asks[c] = "AS_COMPLETED" => yielded[c] = Cardinality(Range(Names[c]))

(* Who is back has left no waiter behind. *)
NothingLeftInstalled ==
  \A c \in Caller, f \in Future : callers[c] = "back" => c \notin Range(installed[f])

(* No waiter notes a future twice, however often its caller names it. *)
NotedOnce == \A c \in Caller : Cardinality(Range(told[c])) = Len(told[c])

(* Who is blocked with enough noted finds the gate open, or will at once. *)
GateOpensWhenEnough ==
  \A c \in Caller :
    (callers[c] = "blocked" /\ Asks[c] # "AS_COMPLETED" /\ Enough(c, told[c])) =>
      \/ gates[c]
      \/ \E f \in Future : telling[f] # <<>> /\ noted[f] /\ Head(telling[f]) = c

(* A future that has ended is noted by everybody who is blocked on it. *)
NobodyForgotten ==
  \A c \in Caller : callers[c] = "blocked" =>
    \A f \in Ended(c) : f \in Range(told[c]) \/ c \in Range(telling[f])

(* A future that has ended stays as it is. *)
EndingIsFinal ==
  [][\A f \in Future : (futures[f] # "pending") => (futures'[f] = futures[f])]_vars

-----------------------------------------------------------------------------

(* Whoever is blocked and has what was asked for gets back. *)
EveryWaiterTold ==
  \A c \in Caller : (callers[c] = "blocked" /\ HasEnough(c)) ~> (callers[c] = "back")

(* as_completed() yields every future that has ended, while others are pending. *)
EveryEndingYielded ==
  \A c \in Caller, n \in Future :
    (callers[c] = "blocked" /\ Asks[c] = "AS_COMPLETED" /\ Cardinality(Ended(c)) >= n)
      ~> (yielded[c] >= n \/ callers[c] # "blocked")
=============================================================================
