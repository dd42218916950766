---------------------------- MODULE ProcessPool ----------------------------
(***************************************************************************)
(* The process pool.  submit accepts a call while the executor is OPEN.    *)
(* The parent offers the oldest work id to the processes: it goes to the   *)
(* Call Q, a bag of bounded size.  While no process has claimed a call,    *)
(* the parent may recall it or end it; each is one test-and-set of its     *)
(* ticket.  The local worker, a thread, reads answers, starts and buries   *)
(* processes, blames who died, and sleeps when nothing is to be done.  A   *)
(* process has a number, which its successor takes over.  What the parent  *)
(* knows of a call stands in futures; what is true of it, in begun.        *)
(* Mirrors spec/process_pool.py.                                           *)
(***************************************************************************)
EXTENDS ProcessPoolState

Goes(p, where) == processes' = [processes EXCEPT ![p] = where]
Asked(to) == phase' = Stronger(phase, to)
Wakes == awake' = TRUE
IsHeard(p) == awake' = (awake \/ watched[p])  \* a process does what would wake the local worker

Ends(w, ending) ==  \* a call that no process has claimed; its ticket is won
  /\ futures' = [futures EXCEPT ![w] = ending]
  /\ workIds' = Without(workIds, w)
  /\ callQueue' = Without(callQueue, w)
  /\ UNCHANGED <<calls, begun>>

-----------------------------------------------------------------------------
(* Who uses the pool.                                                        *)

IsNext(w) == ~collected /\ calls[w] = "out" /\ \A v \in 1..(w - 1) : calls[v] # "out"

Submit(w) ==  \* any thread that holds the executor; calls are numbered in order
  /\ IsNext(w)
  /\ IF phase = "OPEN"
     THEN /\ calls' = [calls EXCEPT ![w] = "accepted"]
          /\ workIds' = Append(workIds, w)
          /\ Wakes
     ELSE /\ calls' = [calls EXCEPT ![w] = "raised"]
          /\ UNCHANGED <<workIds, awake>>
  /\ UNCHANGED <<callQueue, futures, begun, ofProcesses, ofExecutor>>

SubmitUnpicklable(w) ==  \* the same, of a call that does not pickle
  /\ MayBeUnpicklable
  /\ IsNext(w) /\ phase = "OPEN"
  /\ calls' = [calls EXCEPT ![w] = "accepted"]
  /\ futures' = [futures EXCEPT ![w] = IfFinished(@)]
  /\ UNCHANGED <<workIds, callQueue, begun, ofProcesses, ofExecutor, awake>>

Cancel(w) ==  \* any thread that has the future
  /\ w \in Unclaimed
  /\ Ends(w, IfCancelled(futures[w]))
  /\ Wakes
  /\ UNCHANGED <<ofProcesses, ofExecutor>>

Notice(w) ==  \* any thread that has the future: running(), or cancel() that fails
  /\ w \in Pending
  /\ begun[w] > 0 /\ futures[w] = "PENDING"
  /\ futures' = [futures EXCEPT ![w] = "RUNNING"]
  /\ UNCHANGED <<workIds, callQueue, calls, begun, ofProcesses, ofExecutor, awake>>

Shutdown(c) ==  \* any thread that holds the executor, or the interpreter at its exit
  LET to == PhaseOf(Closers[c])
      after == Stronger(phase, to)
  IN  /\ closers[c] = "out" /\ ~collected
      /\ Asked(to) /\ Wakes
      /\ closers' = [closers EXCEPT ![c] = IF after = "CANCELLING" THEN "discarding" ELSE "joining"]
      /\ UNCHANGED <<collected, ofCalls, ofProcesses>>

Discard(w) ==  \* a caller of shutdown(cancel_futures=True)
  /\ phase = "CANCELLING" /\ \E c \in Closer : closers[c] = "discarding"
  /\ w \in Unclaimed
  /\ Ends(w, IfCancelled(futures[w]))
  /\ Wakes
  /\ UNCHANGED <<ofProcesses, ofExecutor>>

Discarded(c) ==  \* a caller of shutdown finds nothing any more that is not claimed
  /\ closers[c] = "discarding" /\ Unclaimed = {}
  /\ closers' = [closers EXCEPT ![c] = "joining"]
  /\ UNCHANGED <<phase, collected, ofCalls, ofProcesses, awake>>

ShutdownReturns(c) ==  \* shutdown(wait=True)
  /\ closers[c] = "joining" /\ Started = {} /\ Pending = {}
  /\ closers' = [closers EXCEPT ![c] = "back"]
  /\ UNCHANGED <<phase, collected, ofCalls, ofProcesses, awake>>

Collect ==  \* the garbage collector, once nobody is in a method of the executor
  /\ MayBeCollected /\ ~collected
  /\ \A c \in Closer : closers[c] \in {"out", "back"}
  /\ Asked("SHUTTING_DOWN") /\ Wakes
  /\ collected' = TRUE
  /\ UNCHANGED <<closers, ofCalls, ofProcesses>>

-----------------------------------------------------------------------------
(* The parent: mostly its local worker, while that is awake.                 *)

HasRoom ==  \* for the oldest work id; nor may it overtake too many
  /\ workIds # <<>> /\ Started # {} /\ Len(callQueue) < CallQueueSize
  /\ \A v \in Range(callQueue) : Head(workIds) <= v + Overtake

Offer(w) ==
  /\ awake /\ RunsQueued(phase)
  /\ HasRoom /\ w = Head(workIds)
  /\ workIds' = Tail(workIds)
  /\ callQueue' = With(callQueue, w)
  /\ UNCHANGED <<futures, calls, begun, ofProcesses, ofExecutor, awake>>

Recall(w) ==  \* its ticket is won; one process is left the oldest
  /\ awake /\ RunsQueued(phase)
  /\ w \in Range(callQueue)
  /\ Processes = 1 => w = Most(Range(callQueue))
  /\ callQueue' = Without(callQueue, w)
  /\ workIds' = With(workIds, w)
  /\ UNCHANGED <<futures, calls, begun, ofProcesses, ofExecutor, awake>>

Answer(p) ==
  /\ awake
  /\ resultQueue[p] # <<>>
  /\ futures' = [futures EXCEPT ![Head(resultQueue[p])] = IfFinished(@)]
  /\ resultQueue' = [resultQueue EXCEPT ![p] = Tail(@)]
  /\ UNCHANGED <<workIds, callQueue, calls, begun, ofExecutor, awake>>
  /\ UNCHANGED <<processes, runs, used, watched, early, mayDie>>

Lacking(p) ==  \* p is the next to be started
  LET unborn == {q \in Process : processes[q] = "unborn"}
  IN  /\ awake /\ RunsQueued(phase)
      /\ Cardinality(Started) < Wanted
      /\ unborn # {} /\ p = Least(unborn)

Start(p) ==
  /\ Lacking(p)
  /\ Goes(p, "starting")
  /\ watched' = [watched EXCEPT ![p] = TRUE]
  /\ UNCHANGED <<runs, used, resultQueue, early, mayDie, ofCalls, ofExecutor, awake>>

StartFails(p) ==  \* where there is no other process, the pool breaks
  /\ StartMayFail
  /\ Lacking(p)
  /\ Goes(p, "refused")
  /\ IF Started = {} THEN Asked("BROKEN") ELSE UNCHANGED phase
  /\ UNCHANGED <<runs, used, resultQueue, watched, early, mayDie, ofCalls>>
  /\ UNCHANGED <<closers, collected, awake>>

Buried(p) ==  \* its successor has a lane of its own
  /\ Goes(p, "unborn")
  /\ runs' = [runs EXCEPT ![p] = 0]
  /\ used' = [used EXCEPT ![p] = 0]
  /\ resultQueue' = [resultQueue EXCEPT ![p] = <<>>]
  /\ watched' = [watched EXCEPT ![p] = FALSE]
  /\ UNCHANGED mayDie

Breaks(p) ==  \* does the death of p break the pool?
  \/ Policy = "break"
  \/ processes[p] = "failed"
  \/ processes[p] = "stillborn" /\ early + 1 >= EarlyLimit

SeeDeath(p) ==  \* its answers are all read; what it had claimed is blamed
  /\ awake
  /\ processes[p] \in Dead /\ resultQueue[p] = <<>>
  /\ futures' = [w \in WorkId |-> IF w = runs[p] THEN IfFinished(futures[w]) ELSE futures[w]]
  /\ early' = IF processes[p] = "stillborn" THEN early + 1 ELSE early
  /\ IF Breaks(p) THEN Asked("BROKEN") ELSE UNCHANGED phase
  /\ Buried(p)
  /\ UNCHANGED <<workIds, callQueue, calls, begun, closers, collected, awake>>

Bury(p) ==  \* it has ended as it should, and its answers are all read
  /\ awake
  /\ processes[p] = "ended" /\ resultQueue[p] = <<>>
  /\ Buried(p)
  /\ UNCHANGED <<early, ofCalls, ofExecutor, awake>>

IsOver(p) ==  \* nothing can come for p any more
  /\ phase \in {"INTERPRETER_EXIT", "SHUTTING_DOWN", "CANCELLING"} /\ Unclaimed = {}
  /\ processes[p] \in {"starting", "idle"}

Stop(p) ==
  /\ awake
  /\ IsOver(p)
  /\ Goes(p, "told")
  /\ UNCHANGED <<runs, used, resultQueue, watched, early, mayDie, ofCalls, ofExecutor, awake>>

IsDoomed(p) == phase = "BROKEN" /\ processes[p] \in {"starting", "idle", "running"}

Kill(p) ==
  /\ awake
  /\ IsDoomed(p)
  /\ Goes(p, "dead")
  /\ UNCHANGED <<runs, used, resultQueue, watched, early, mayDie, ofCalls, ofExecutor, awake>>

Fail(w) ==  \* with the error of a broken pool
  /\ awake
  /\ phase = "BROKEN"
  /\ w \in Unclaimed
  /\ Ends(w, IfFinished(futures[w]))
  /\ UNCHANGED <<ofProcesses, ofExecutor, awake>>

HasDuties ==  \* the local worker may not sleep yet
  \/ RunsQueued(phase) /\ (HasRoom \/ \E p \in Process : Lacking(p))
  \/ \E p \in Process :
       \/ resultQueue[p] # <<>> \/ processes[p] \in Dead \union {"ended"}
       \/ IsOver(p) \/ IsDoomed(p)
  \/ phase = "BROKEN" /\ Unclaimed # {}

Sleep ==
  /\ awake /\ ~HasDuties
  /\ awake' = FALSE
  /\ UNCHANGED <<ofCalls, ofProcesses, ofExecutor>>

-----------------------------------------------------------------------------
(* A process.                                                                *)

Ready(p) ==  \* it has run the initializer
  /\ processes[p] = "starting"
  /\ Goes(p, "idle")
  /\ early' = 0
  /\ UNCHANGED <<runs, used, resultQueue, watched, mayDie, ofCalls, ofExecutor, awake>>

InitializerFails(p) ==  \* it says so, and ends
  /\ InitializerMayFail
  /\ processes[p] = "starting"
  /\ Goes(p, "failed")
  /\ IsHeard(p)
  /\ UNCHANGED <<runs, used, resultQueue, watched, early, mayDie, ofCalls, ofExecutor>>

Claim(p, w) ==  \* it wins the ticket; one process claims in the order of its lane
  LET holdsBack == \E v \in Range(workIds) : v > w + Overtake  \* then the claim is told
  IN  /\ processes[p] = "idle" /\ ~Spent(p)
      /\ w \in Range(callQueue)
      /\ Processes = 1 => w = Least(Range(callQueue))
      /\ Goes(p, "running")
      /\ callQueue' = Without(callQueue, w)
      /\ runs' = [runs EXCEPT ![p] = w]
      /\ used' = [used EXCEPT ![p] = IF MaxTasks > 0 THEN @ + 1 ELSE @]
      /\ begun' = [begun EXCEPT ![w] = @ + 1]
      /\ awake' = (awake \/ (holdsBack /\ watched[p]))
      /\ UNCHANGED <<workIds, futures, calls, resultQueue, watched, early, mayDie, ofExecutor>>

Finish(p) ==  \* the call returns or raises, or a payload does not pickle or unpickle
  /\ processes[p] = "running"
  /\ Goes(p, "idle")
  /\ resultQueue' = [resultQueue EXCEPT ![p] = Append(@, runs[p])]
  /\ runs' = [runs EXCEPT ![p] = 0]
  /\ IsHeard(p)
  /\ UNCHANGED <<used, watched, early, mayDie, ofCalls, ofExecutor>>

Retire(p) ==  \* it has run as many calls as it may
  /\ processes[p] = "idle" /\ Spent(p)
  /\ Goes(p, "ended")
  /\ IsHeard(p)
  /\ UNCHANGED <<runs, used, resultQueue, watched, early, mayDie, ofCalls, ofExecutor>>

Exit(p) ==  \* it was told to
  /\ processes[p] = "told"
  /\ Goes(p, "ended")
  /\ IsHeard(p)
  /\ UNCHANGED <<runs, used, resultQueue, watched, early, mayDie, ofCalls, ofExecutor>>

Die(p) ==  \* anywhere; who is to end anyway, and does by dying, has ended
  /\ mayDie > 0
  /\ processes[p] \in {"starting", "idle", "running"}
  /\ ~(processes[p] = "idle" /\ Spent(p))
  /\ Goes(p, IF processes[p] = "starting" THEN "stillborn" ELSE "dead")
  /\ mayDie' = mayDie - 1
  /\ IsHeard(p)
  /\ UNCHANGED <<runs, used, resultQueue, watched, early, ofCalls, ofExecutor>>

-----------------------------------------------------------------------------

Callers ==
  \/ \E w \in WorkId :
       Submit(w) \/ SubmitUnpicklable(w) \/ Cancel(w) \/ Notice(w) \/ Discard(w)
  \/ \E c \in Closer : Shutdown(c) \/ Discarded(c) \/ ShutdownReturns(c)
  \/ Collect

LocalWorker ==
  \/ \E w \in WorkId : Offer(w) \/ Recall(w) \/ Fail(w)
  \/ \E p \in Process :
       Answer(p) \/ Start(p) \/ StartFails(p) \/ SeeDeath(p) \/ Bury(p) \/ Stop(p) \/ Kill(p)
  \/ Sleep

Takes(p) == \E w \in WorkId : Claim(p, w)

OfProcess(p) ==
  Ready(p) \/ InitializerFails(p) \/ Takes(p) \/ Finish(p) \/ Retire(p) \/ Exit(p) \/ Die(p)

Next == Callers \/ LocalWorker \/ \E p \in Process : OfProcess(p)

(* The local worker does each thing that it has to do; who discards, or can   *)
(* return from shutdown, goes on.  A process becomes ready, finishes every    *)
(* call but the one that is endless (0: none), and ends when it is to.  A     *)
(* process that finds a call to claim again and again claims one: strong      *)
(* fairness, since the call may be recalled and offered meanwhile.  Nobody    *)
(* is obliged to submit, to cancel, to ask, to shut down; to recall; to sleep *)
(* or to die.                                                                 *)
FairnessBut(endless) ==
  /\ WF_vars(\E w \in WorkId : Offer(w))
  /\ WF_vars(\E w \in WorkId : Fail(w) \/ Discard(w))
  /\ \A c \in Closer : WF_vars(Discarded(c) \/ ShutdownReturns(c))
  /\ \A p \in Process :
       /\ WF_vars(Answer(p) \/ SeeDeath(p) \/ Bury(p))
       /\ WF_vars(Start(p) \/ StartFails(p))
       /\ WF_vars(Stop(p) \/ Kill(p))
       /\ WF_vars(Ready(p) \/ InitializerFails(p) \/ Retire(p) \/ Exit(p))
       /\ WF_vars(runs[p] # endless /\ Finish(p))
       /\ SF_vars(Takes(p))

Spec == Init /\ [][Next]_vars /\ FairnessBut(0)

=============================================================================
