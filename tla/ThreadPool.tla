----------------------------- MODULE ThreadPool -----------------------------
(***************************************************************************)
(* The thread pool.  A step is one lock hold of the library, or one thing  *)
(* that is done with no lock held.  submit accepts a call while the        *)
(* executor is OPEN: it queues the work id and, in the same hold, unparks  *)
(* a thread, or reserves one that it then starts, or does neither when all *)
(* exist.  Shutdown moves the phase and wakes every parked thread in one   *)
(* hold, then ends what is queued if it was asked to, then waits for the   *)
(* threads.  Mirrors spec/thread_pool.py.                                  *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Calls,               \* how many calls are submitted
  Threads,             \* how many threads there may be
  Closers,             \* what each caller of shutdown asks, or the interpreter at its exit
  InitializerMayFail,  \* may the initializer raise?
  StartMayFail,        \* may the system refuse a thread?
  MayBeCollected       \* may the executor object be garbage-collected?

ASSUME
  /\ {Calls, Threads} \subseteq Nat
  /\ \A c \in DOMAIN Closers : Closers[c] \in {"exit", "shutdown", "shutdown_cancel_futures"}
  /\ {InitializerMayFail, StartMayFail, MayBeCollected} \subseteq BOOLEAN

VARIABLES
  phase,     \* how far the end of the executor has come
  workIds,   \* accepted and not yet taken, oldest first
  futures,   \* the state of each work item's future
  calls,     \* of submit(): "out", "starting", "accepted", "raised"
  threads,   \* "unborn", those of Alive, "ended"
  holds,     \* the work id that a thread holds or runs, else 0
  parked,    \* the threads that are parked; the last is unparked first
  closers,   \* callers of shutdown(): "out", "discarding", "joining", "back"
  collected  \* has the executor object been garbage-collected?

vars == <<phase, workIds, futures, calls, threads, holds, parked, closers, collected>>

WorkId == 1..Calls
Thread == 1..Threads
Closer == DOMAIN Closers

Alive == {"starting", "initializing", "seeking", "parked", "holding", "running"}
Done == {"CANCELLED", "CANCELLED_AND_NOTIFIED", "FINISHED"}
Notified == {"CANCELLED_AND_NOTIFIED", "FINISHED"}

Phases == <<"OPEN", "INTERPRETER_EXIT", "SHUTTING_DOWN", "CANCELLING", "BROKEN", "FORKED">>
Strength(p) == CHOOSE n \in DOMAIN Phases : Phases[n] = p
RunsQueued(p) == Strength(p) < Strength("CANCELLING")
PhaseOf(request) ==
  CASE request = "exit" -> "INTERPRETER_EXIT"
    [] request = "shutdown" -> "SHUTTING_DOWN"
    [] OTHER -> "CANCELLING"

Range(seq) == {seq[i] : i \in DOMAIN seq}
Least(S) == CHOOSE n \in S : \A m \in S : n <= m

TypeOK ==
  LET Queue(S) == UNION {[1..n -> S] : n \in 0..Cardinality(S)}
  IN  /\ phase \in {"OPEN", "INTERPRETER_EXIT", "SHUTTING_DOWN", "CANCELLING", "BROKEN"}
      /\ workIds \in Queue(WorkId)
      /\ futures \in [WorkId -> {"PENDING", "RUNNING"} \union Notified]
      /\ calls \in [WorkId -> {"out", "starting", "accepted", "raised"}]
      /\ threads \in [Thread -> {"unborn", "ended"} \union Alive]
      /\ holds \in [Thread -> {0} \union WorkId]
      /\ parked \in Queue(Thread)
      /\ closers \in [Closer -> {"out", "discarding", "joining", "back"}]
      /\ collected \in BOOLEAN

-----------------------------------------------------------------------------

Living == {t \in Thread : threads[t] \in Alive}

(* What cancel, and what set_exception, make of an owned future. *)
IfCancelled(state) == IF state = "PENDING" THEN "CANCELLED_AND_NOTIFIED" ELSE state
IfFailed(state) == IF state \in Done THEN state ELSE "FINISHED"

Stronger(p, q) == IF Strength(q) > Strength(p) THEN q ELSE p

Asked(to, self) ==  \* the phase moves, in one hold with the waking; self goes on
  LET woken == phase # Stronger(phase, to)
  IN  /\ phase' = Stronger(phase, to)
      /\ parked' = IF woken THEN <<>> ELSE parked
      /\ threads' = [t \in Thread |-> IF t = self \/ (woken /\ t \in Range(parked))
                                      THEN "seeking" ELSE threads[t]]

Goes(t, where) == threads' = [threads EXCEPT ![t] = where]

Init ==
  /\ phase = "OPEN"
  /\ workIds = <<>>
  /\ futures = [w \in WorkId |-> "PENDING"]
  /\ calls = [w \in WorkId |-> "out"]
  /\ threads = [t \in Thread |-> "unborn"]
  /\ holds = [t \in Thread |-> 0]
  /\ parked = <<>>
  /\ closers = [c \in Closer |-> "out"]
  /\ collected = FALSE

-----------------------------------------------------------------------------

Submit(w) ==  \* any thread that holds the executor; calls are numbered in order
  LET last == parked[Len(parked)]
      unborn == {t \in Thread : threads[t] = "unborn"}
      Answer(how) == calls' = [calls EXCEPT ![w] = how]
  IN  /\ ~collected
      /\ calls[w] = "out" /\ \A v \in 1..(w - 1) : calls[v] # "out"
      /\ workIds' = IF phase = "OPEN" THEN Append(workIds, w) ELSE workIds
      /\ CASE phase # "OPEN" ->
                Answer("raised") /\ UNCHANGED <<threads, holds, parked>>
           [] phase = "OPEN" /\ parked # <<>> ->
                /\ Answer("accepted") /\ Goes(last, "seeking")
                /\ parked' = SubSeq(parked, 1, Len(parked) - 1)
                /\ UNCHANGED holds
           [] phase = "OPEN" /\ parked = <<>> /\ unborn # {} ->
                /\ Answer("starting") /\ Goes(Least(unborn), "starting")
                /\ holds' = [holds EXCEPT ![Least(unborn)] = w]
                /\ UNCHANGED parked
           [] OTHER ->
                Answer("accepted") /\ UNCHANGED <<threads, holds, parked>>
      /\ UNCHANGED <<phase, futures, closers, collected>>

ThreadStarts(t) ==  \* the thread that submit reserved; submit returns
  /\ threads[t] = "starting"
  /\ Goes(t, "initializing")
  /\ calls' = [calls EXCEPT ![holds[t]] = "accepted"]
  /\ holds' = [holds EXCEPT ![t] = 0]
  /\ UNCHANGED <<phase, workIds, futures, parked, closers, collected>>

ThreadCannotStart(t) ==  \* submit withdraws its call and raises, unless it is too late
  LET w == holds[t]
      after == IfCancelled(futures[w])
      alone == Living = {t}  \* then nobody is left to run what others have queued
  IN  /\ StartMayFail
      /\ threads[t] = "starting"
      /\ Goes(t, "unborn")
      /\ holds' = [holds EXCEPT ![t] = 0]
      /\ calls' = [calls EXCEPT ![w] =
                     IF after = "CANCELLED_AND_NOTIFIED" THEN "raised" ELSE "accepted"]
      /\ futures' = [v \in WorkId |->
                       IF v = w THEN after
                       ELSE IF alone /\ v \in Range(workIds) THEN IfFailed(futures[v])
                       ELSE futures[v]]
      /\ workIds' = IF alone THEN <<>> ELSE workIds
      /\ UNCHANGED <<phase, parked, closers, collected>>

Initialized(t) ==  \* a thread has run the initializer
  /\ threads[t] = "initializing"
  /\ Goes(t, "seeking")
  /\ UNCHANGED <<phase, workIds, futures, calls, holds, parked, closers, collected>>

InitializerFails(t) ==  \* a thread: the executor is broken
  /\ InitializerMayFail
  /\ threads[t] = "initializing"
  /\ Asked("BROKEN", t)
  /\ UNCHANGED <<workIds, futures, calls, holds, closers, collected>>

Take(t) ==  \* a thread: the oldest work id
  /\ threads[t] = "seeking"
  /\ workIds # <<>> /\ RunsQueued(phase)
  /\ Goes(t, "holding")
  /\ holds' = [holds EXCEPT ![t] = Head(workIds)]
  /\ workIds' = Tail(workIds)
  /\ UNCHANGED <<phase, futures, calls, parked, closers, collected>>

Claim(t) ==  \* a thread; it drops the call if that was cancelled
  /\ threads[t] = "holding"
  /\ IF futures[holds[t]] = "PENDING"
     THEN /\ Goes(t, "running")
          /\ futures' = [futures EXCEPT ![holds[t]] = "RUNNING"]
          /\ UNCHANGED holds
     ELSE /\ Goes(t, "seeking")
          /\ holds' = [holds EXCEPT ![t] = 0]
          /\ UNCHANGED futures
  /\ UNCHANGED <<phase, workIds, calls, parked, closers, collected>>

Finish(t) ==  \* a call returns or raises; its thread settles the future
  /\ threads[t] = "running"
  /\ futures' = [futures EXCEPT ![holds[t]] = "FINISHED"]
  /\ Goes(t, "seeking")
  /\ holds' = [holds EXCEPT ![t] = 0]
  /\ UNCHANGED <<phase, workIds, calls, parked, closers, collected>>

Park(t) ==  \* a thread that finds nothing queued
  /\ threads[t] = "seeking"
  /\ workIds = <<>> /\ phase = "OPEN"
  /\ Goes(t, "parked")
  /\ parked' = Append(parked, t)
  /\ UNCHANGED <<phase, workIds, futures, calls, holds, closers, collected>>

EndThread(t) ==  \* a thread that finds nothing queued, and nothing can come any more
  /\ threads[t] = "seeking"
  /\ workIds = <<>> /\ phase # "OPEN"
  /\ Goes(t, "ended")
  /\ UNCHANGED <<phase, workIds, futures, calls, holds, parked, closers, collected>>

-----------------------------------------------------------------------------

Discard(t) ==  \* thread t, or for t = 0 a caller of shutdown, ends the oldest queued call
  /\ IF t = 0 THEN \E c \in Closer : closers[c] = "discarding" ELSE threads[t] = "seeking"
  /\ workIds # <<>> /\ ~RunsQueued(phase)
  /\ futures' = [futures EXCEPT ![Head(workIds)] =
                   IF phase = "CANCELLING" THEN IfCancelled(@) ELSE IfFailed(@)]
  /\ workIds' = Tail(workIds)
  /\ UNCHANGED <<phase, calls, threads, holds, parked, closers, collected>>

Cancel(w) ==  \* any thread that has the future
  /\ calls[w] = "accepted"
  /\ futures[w] = "PENDING"
  /\ futures' = [futures EXCEPT ![w] = "CANCELLED_AND_NOTIFIED"]
  /\ UNCHANGED <<phase, workIds, calls, threads, holds, parked, closers, collected>>

Shutdown(c) ==  \* any thread that holds the executor, or the interpreter at its exit
  LET to == PhaseOf(Closers[c])
      after == Stronger(phase, to)
  IN  /\ closers[c] = "out" /\ ~collected
      /\ Asked(to, 0)
      /\ closers' = [closers EXCEPT ![c] = IF RunsQueued(after) THEN "joining" ELSE "discarding"]
      /\ UNCHANGED <<workIds, futures, calls, holds, collected>>

Discarded(c) ==  \* a caller of shutdown finds nothing queued any more
  /\ closers[c] = "discarding" /\ workIds = <<>>
  /\ closers' = [closers EXCEPT ![c] = "joining"]
  /\ UNCHANGED <<phase, workIds, futures, calls, threads, holds, parked, collected>>

ShutdownReturns(c) ==  \* shutdown(wait=True): all threads have ended
  /\ closers[c] = "joining" /\ Living = {}
  /\ closers' = [closers EXCEPT ![c] = "back"]
  /\ UNCHANGED <<phase, workIds, futures, calls, threads, holds, parked, collected>>

Collect ==  \* the garbage collector, once nobody is in a method of the executor
  /\ MayBeCollected /\ ~collected
  /\ \A w \in WorkId : calls[w] # "starting"
  /\ \A c \in Closer : closers[c] \in {"out", "back"}
  /\ Asked("SHUTTING_DOWN", 0)
  /\ collected' = TRUE
  /\ UNCHANGED <<workIds, futures, calls, holds, closers>>

-----------------------------------------------------------------------------

OfThread(t) ==
  \/ ThreadStarts(t) \/ ThreadCannotStart(t) \/ Initialized(t) \/ InitializerFails(t)
  \/ Take(t) \/ Claim(t) \/ Finish(t) \/ Park(t) \/ EndThread(t) \/ Discard(t)

OfCloser(c) == Discarded(c) \/ ShutdownReturns(c)

System ==
  \/ \E t \in Thread : OfThread(t)
  \/ Discard(0)
  \/ \E c \in Closer : OfCloser(c)

Callers ==
  \/ \E w \in WorkId : Submit(w) \/ Cancel(w)
  \/ \E c \in Closer : Shutdown(c)
  \/ Collect

Next == System \/ Callers

(* Every thread goes on, every call ends, and so does every shutdown that was *)
(* begun.  Nobody is obliged to submit, to cancel, to shut down, or to drop   *)
(* the executor; no thread is obliged to fail.                                *)
Fairness ==
  /\ \A t \in Thread : WF_vars(OfThread(t))
  /\ WF_vars(Discard(0))
  /\ \A c \in Closer : WF_vars(OfCloser(c))

Spec == Init /\ [][Next]_vars /\ Fairness

-----------------------------------------------------------------------------

(* A call whose submit raised never runs. *)
AcceptanceIsAtomic ==
  \A w \in WorkId :
    calls[w] = "raised" => futures[w] \in {"PENDING", "CANCELLED_AND_NOTIFIED"}

(* No owned future is cancelled without its waiters being told. *)
CancelledMeansTold == \A w \in WorkId : futures[w] # "CANCELLED"

(* While calls are accepted there are threads enough for those that have not  *)
(* ended; where the system refuses threads, one is enough.                    *)
Capacity ==
  LET backlog == {w \in WorkId : calls[w] \in {"accepted", "starting"} /\ futures[w] \notin Done}
      wanted == IF StartMayFail THEN 1 ELSE Threads
  IN  phase = "OPEN" =>
        Cardinality(Living) >= wanted \/ Cardinality(Living) >= Cardinality(backlog)

(* A work id is queued once or held by one thread, never both. *)
InOneRoomOnly ==
  LET held == {t \in Thread : holds[t] # 0 /\ threads[t] \in {"holding", "running"}}
  IN  /\ \A i, j \in DOMAIN workIds : i # j => workIds[i] # workIds[j]
      /\ \A t \in held : holds[t] \notin Range(workIds)
      /\ \A t, u \in held : t # u => holds[t] # holds[u]

(* An accepted call that has not ended is queued, held, or running. *)
NothingLost ==
  \A w \in WorkId :
    (calls[w] = "accepted" /\ futures[w] \notin Done) => w \in Range(workIds) \union Range(holds)

(* While a thread is parked, each queued call has a thread that comes for it. *)
NoThreadSleepsWhileWorkWaits ==
  parked # <<>> =>
    Cardinality({t \in Thread : threads[t] \in {"starting", "initializing", "seeking"}})
      >= Len(workIds)

(* shutdown(wait=True) returns only when no thread is left. *)
ShutdownMeansEnded == (\E c \in Closer : closers[c] = "back") => Living = {}

(* Once no thread is left and nobody discards, every accepted call has ended. *)
EndedMeansSettled ==
  (Living = {} /\ \A c \in Closer : closers[c] # "discarding") =>
    \A w \in WorkId : calls[w] = "accepted" => futures[w] \in Notified

(* No later request weakens an earlier one. *)
RequestsAreMonotone == [][Strength(phase') >= Strength(phase)]_vars

(* A future that has ended stays as it is, and everybody was told of its end. *)
FuturesEndOnce ==
  [][\A w \in WorkId : (futures[w] \in Notified) => (futures'[w] = futures[w])]_vars

(* Once the queue is to be discarded, no thread takes a call from it to run it. *)
NoneBeginsAfterCancelling ==
  [][RunsQueued(phase) \/ Cardinality({t \in Thread : threads'[t] = "holding"})
                            <= Cardinality({t \in Thread : threads[t] = "holding"})]_vars

-----------------------------------------------------------------------------

(* Every call that was accepted ends, and everybody is told. *)
EveryAcceptedCallEnds ==
  \A w \in WorkId : (calls[w] = "accepted") ~> (futures[w] \in Notified)

(* Every shutdown(wait=True) that was begun returns. *)
EveryShutdownReturns == \A c \in Closer : (closers[c] # "out") ~> (closers[c] = "back")

(* Once the executor has been collected, or asked to end, its threads end. *)
ThreadsEnd == (phase # "OPEN") ~> (Living = {})
=============================================================================
