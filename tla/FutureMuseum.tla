---------------------------- MODULE FutureMuseum ----------------------------
(***************************************************************************)
(* Old designs of a future.  A configuration puts one of them in the place *)
(* of an action of Future; the museum's number is in its name.             *)
(***************************************************************************)
EXTENDS Future

(* M4: the executor forgets a cancelled call without a word.  In the place of *)
(* SetRunningOrNotifyCancel.                                                  *)
TakeUp ==
  /\ agents[Executor] = "idle" /\ state # "RUNNING"
  /\ IF state = "PENDING"
     THEN state' = "RUNNING" /\ UNCHANGED agents
     ELSE state # "CANCELLED" /\ agents' = [agents EXCEPT ![Executor] = "ended"] /\ UNCHANGED state
  /\ UNCHANGED <<todo, results, waits, callbacks, queue, ran, drained>>

Drop ==
  /\ agents[Executor] = "idle" /\ state = "CANCELLED"
  /\ agents' = [agents EXCEPT ![Executor] = "ended"]
  /\ UNCHANGED <<state, todo, results, waits, callbacks, queue, ran, drained>>

TakeUpOrDrop == TakeUp \/ Drop

-----------------------------------------------------------------------------

(* M9: a callback raises BaseException, and the thread that runs the callbacks *)
(* dies of it.  In the place of RunCallback.                                   *)
CallbackReturns(a) ==
  /\ Faces(a, "RunCallbacks") /\ queue # <<>>
  /\ callbacks' = [callbacks EXCEPT ![Head(queue)] = "ran"]
  /\ ran' = Append(ran, Head(queue))
  /\ queue' = Tail(queue)
  /\ UNCHANGED <<state, agents, todo, results, waits, drained>>

CallbackKills(a) ==
  /\ Faces(a, "RunCallbacks") /\ queue # <<>>
  /\ callbacks' = [callbacks EXCEPT ![Head(queue)] = "ran"]
  /\ ran' = Append(ran, Head(queue))
  /\ queue' = Tail(queue)
  /\ agents' = [agents EXCEPT ![a] = "ended"]
  /\ todo' = [todo EXCEPT ![a] = <<>>]
  /\ UNCHANGED <<state, results, waits, drained>>

RunDeadlyCallback(a) == CallbackReturns(a) \/ CallbackKills(a)

-----------------------------------------------------------------------------

(* M19: who adds a callback to a future that is done runs it at once, though *)
(* others are still queued.  In the place of AddCallback.                    *)
AddCallbackUnqueued(c) ==
  /\ callbacks[c] = "out" /\ \A b \in 1..(c - 1) : callbacks[b] # "out"
  /\ callbacks' = [callbacks EXCEPT ![c] = IF state \in Done THEN "own" ELSE "queued"]
  /\ queue' = IF state \in Done THEN queue ELSE Append(queue, c)
  /\ UNCHANGED <<state, agents, todo, results, waits, ran, drained>>

-----------------------------------------------------------------------------

(* H24: whoever sets a result does not look at the state.  In the place of Finish. *)
FinishAgain(a) == Obey(a, "FINISHED", AllEffects)
=============================================================================
