-------------------------- MODULE ThreadPoolMuseum --------------------------
(***************************************************************************)
(* Old designs of the thread pool.  A configuration puts one of them in    *)
(* the place of a definition of ThreadPool; the museum's number is here.   *)
(***************************************************************************)
EXTENDS MCThreadPool

(* M4: cancel() leaves it to whoever takes the call to tell the waiters, and *)
(* shutdown forgets what is cancelled.  In the place of Cancel, Claim and    *)
(* Discard.                                                                  *)
CancelUntold(w) ==
  /\ calls[w] = "accepted" /\ futures[w] = "PENDING"
  /\ futures' = [futures EXCEPT ![w] = "CANCELLED"]
  /\ UNCHANGED <<phase, workIds, calls, threads, holds, parked, closers, collected>>

ClaimOrTell(t) ==
  LET pending == futures[holds[t]] = "PENDING"
  IN  /\ threads[t] = "holding"
      /\ Goes(t, IF pending THEN "running" ELSE "seeking")
      /\ holds' = [holds EXCEPT ![t] = IF pending THEN @ ELSE 0]
      /\ futures' = [futures EXCEPT ![holds[t]] =
                       IF pending THEN "RUNNING" ELSE "CANCELLED_AND_NOTIFIED"]
      /\ UNCHANGED <<phase, workIds, calls, parked, closers, collected>>

Drop(t) ==
  /\ IF t = 0 THEN \E c \in Closer : closers[c] = "discarding" ELSE threads[t] = "seeking"
  /\ workIds # <<>> /\ ~RunsQueued(phase)
  /\ futures' = [futures EXCEPT ![Head(workIds)] = IF @ = "PENDING" THEN "CANCELLED" ELSE @]
  /\ workIds' = Tail(workIds)
  /\ UNCHANGED <<phase, calls, threads, holds, parked, closers, collected>>

-----------------------------------------------------------------------------

(* M5: the last request overwrites those before it.  In the place of Stronger. *)
Latest(p, q) == q

-----------------------------------------------------------------------------

(* M8: somebody else may settle the future of a call that runs; its thread's own *)
(* set_result raises then, and the thread ends of it.  In the place of Finish.    *)
FinishOrStumble(t) ==
  \E settled \in BOOLEAN :
    /\ threads[t] = "running"
    /\ futures' = [futures EXCEPT ![holds[t]] = "FINISHED"]
    /\ Goes(t, IF settled THEN "ended" ELSE "seeking")
    /\ holds' = [holds EXCEPT ![t] = 0]
    /\ UNCHANGED <<phase, workIds, calls, parked, closers, collected>>

-----------------------------------------------------------------------------

(* M9: a callback raises BaseException; the thread ends of it and is never *)
(* replaced.  In the place of Finish.                                      *)
FinishAndDie(t) ==
  /\ threads[t] = "running"
  /\ futures' = [futures EXCEPT ![holds[t]] = "FINISHED"]
  /\ Goes(t, "ended")
  /\ holds' = [holds EXCEPT ![t] = 0]
  /\ UNCHANGED <<phase, workIds, calls, parked, closers, collected>>

-----------------------------------------------------------------------------

(* M10: who fails what is queued stumbles over a call that was cancelled, and *)
(* fails none of those behind it.  In the place of Discard.                   *)
DiscardOrStumble(t) ==
  LET pending == futures[Head(workIds)] = "PENDING"
  IN  /\ IF t = 0 THEN \E c \in Closer : closers[c] = "discarding" ELSE threads[t] = "seeking"
      /\ workIds # <<>> /\ ~RunsQueued(phase)
      /\ IF pending \/ phase = "CANCELLING" \/ t = 0
         THEN /\ futures' = [futures EXCEPT ![Head(workIds)] =
                               IF phase = "CANCELLING" THEN IfCancelled(@) ELSE IfFailed(@)]
              /\ UNCHANGED threads
         ELSE Goes(t, "ended") /\ UNCHANGED futures
      /\ workIds' = Tail(workIds)
      /\ UNCHANGED <<phase, calls, holds, parked, closers, collected>>

-----------------------------------------------------------------------------

(* M11: a thread whose initializer raises finds its executor collected, tells *)
(* nobody, and ends.  In the place of InitializerFails.                       *)
InitializerFailsUnseen(t) ==
  /\ InitializerMayFail /\ threads[t] = "initializing"
  /\ IF collected THEN Goes(t, "ended") /\ UNCHANGED <<phase, parked>> ELSE Asked("BROKEN", t)
  /\ UNCHANGED <<workIds, futures, calls, holds, closers, collected>>

-----------------------------------------------------------------------------

(* M14: submit raises since its thread cannot start, and leaves its call in *)
(* the queue.  In the place of ThreadCannotStart.                           *)
ThreadCannotStartUndone(t) ==
  /\ StartMayFail /\ threads[t] = "starting"
  /\ Goes(t, "unborn")
  /\ holds' = [holds EXCEPT ![t] = 0]
  /\ calls' = [calls EXCEPT ![holds[t]] = "raised"]
  /\ UNCHANGED <<phase, workIds, futures, parked, closers, collected>>
=============================================================================
