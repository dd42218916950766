------------------------- MODULE ThreadPoolCallbacks ------------------------
(***************************************************************************)
(* The thread pool, and a callback of a discarded call that submits        *)
(* another one.  M2: if shutdown discards while it holds the executor's    *)
(* lock, that callback waits for a lock that its own thread holds.         *)
(***************************************************************************)
EXTENDS MCThreadPool

CONSTANT LockedWhileDiscarding  \* is the executor's lock held while futures are cancelled?

VARIABLES
  holder,  \* the caller of shutdown that holds the executor's lock between two steps, or 0
  calling  \* the caller of shutdown in whose thread a callback wants to submit, or 0

varsC == <<vars, holder, calling>>

Free == holder = 0
Rest == UNCHANGED <<holder, calling>>

InitC == Init /\ holder = 0 /\ calling = 0

ShutdownC(c) ==  \* any thread
  /\ Free
  /\ Shutdown(c)
  /\ holder' = IF LockedWhileDiscarding /\ closers'[c] = "discarding" THEN c ELSE 0
  /\ UNCHANGED calling

DiscardC(c) ==  \* a caller of shutdown; the callbacks of the call run in its thread
  /\ closers[c] = "discarding" /\ calling = 0
  /\ Discard(0)
  /\ calling' \in {0, c}
  /\ UNCHANGED holder

CallbackSubmits ==  \* it waits for the lock, is refused since the executor ends, and returns
  /\ calling # 0 /\ Free
  /\ calling' = 0
  /\ UNCHANGED <<vars, holder>>

DiscardedC(c) ==  \* a caller of shutdown lets go of the lock
  /\ calling # c
  /\ Discarded(c)
  /\ holder' = IF holder = c THEN 0 ELSE holder
  /\ UNCHANGED calling

SubmitC(w) ==  \* any thread that holds the executor
  Free /\ Submit(w) /\ Rest

CancelC(w) ==  \* any thread; a future has a lock of its own
  Cancel(w) /\ Rest

ThreadWithLock(t) ==  \* a thread, where it takes the executor's lock
  Free /\ (ThreadCannotStart(t) \/ InitializerFails(t)) /\ Rest

ThreadWithout(t) ==  \* a thread, in all its other steps
  /\ \/ ThreadStarts(t) \/ Initialized(t) \/ Take(t) \/ Claim(t) \/ Finish(t)
     \/ Park(t) \/ EndThread(t) \/ Discard(t)
  /\ Rest

ShutdownReturnsC(c) ==  \* a caller of shutdown
  ShutdownReturns(c) /\ Rest

OfThreadC(t) == ThreadWithLock(t) \/ ThreadWithout(t)
OfCloserC(c) == DiscardC(c) \/ DiscardedC(c) \/ ShutdownReturnsC(c)

NextC ==
  \/ \E t \in Thread : OfThreadC(t)
  \/ \E c \in Closer : OfCloserC(c) \/ ShutdownC(c)
  \/ CallbackSubmits
  \/ \E w \in WorkId : SubmitC(w) \/ CancelC(w)

FairnessC ==
  /\ \A t \in Thread : WF_varsC(OfThreadC(t))
  /\ \A c \in Closer : WF_varsC(OfCloserC(c))
  /\ WF_varsC(CallbackSubmits)

SpecC == InitC /\ [][NextC]_varsC /\ FairnessC
=============================================================================
